package wording

// DaysHours are days of the week with the same hours.
type DaysHours struct{ Days, Hours string }

var weekdays = [7]string{"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"}

// Week joins days in a row that have the same hours, which are given from Monday to Sunday: "Mon-Fri", "Sat", "Sun".
func Week(hours [7]string) []DaysHours {
	var all []DaysHours
	for begin := 0; begin < len(hours); {
		end := begin
		for end+1 < len(hours) && hours[end+1] == hours[begin] {
			end++
		}
		days := weekdays[begin]
		if end > begin {
			days += "-" + weekdays[end]
		}
		all = append(all, DaysHours{days, hours[begin]})
		begin = end + 1
	}
	return all
}
