package onboard

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"

	"ringback/internal/voice"

	"go.yaml.in/yaml/v3"
)

// faqForm is how a file of questions is written.
const faqForm = "write a list of {question: …, answer: …}"

// syntaxLine finds the line in the parser's message.
var syntaxLine = regexp.MustCompile(`^yaml: line (\d+): `)

// readFAQ reads a YAML list of questions and answers. The error lists all that is wrong, by file and line.
func readFAQ(file string) ([]voice.Question, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("voice.onboarding.faq_file: %w", err)
	}
	var document yaml.Node
	switch err := yaml.NewDecoder(bytes.NewReader(text)).Decode(&document); {
	case errors.Is(err, io.EOF):
		return nil, fmt.Errorf("%s:1: is empty; %s", file, faqForm)
	case err != nil:
		line, message := "1", strings.TrimPrefix(err.Error(), "yaml: ")
		if m := syntaxLine.FindStringSubmatch(err.Error()); m != nil {
			line, message = m[1], err.Error()[len(m[0]):]
		}
		return nil, fmt.Errorf("%s:%s: not readable as YAML: %s", file, line, message)
	}
	list := document.Content[0]
	if list.Kind != yaml.SequenceNode || len(list.Content) == 0 {
		return nil, fmt.Errorf("%s:%d: holds no questions; %s", file, list.Line, faqForm)
	}
	var questions []voice.Question
	var problems []error
	for _, item := range list.Content {
		q, wrong := readQuestion(item)
		for _, w := range wrong {
			problems = append(problems, fmt.Errorf("%s:%d: %s", file, w.line, w.message))
		}
		questions = append(questions, q)
	}
	return questions, errors.Join(problems...)
}

// mistake is what is wrong with a line.
type mistake struct {
	line    int
	message string
}

func readQuestion(item *yaml.Node) (q voice.Question, wrong []mistake) {
	if item.Kind != yaml.MappingNode {
		return q, []mistake{{item.Line, "is not a question with its answer; " + faqForm}}
	}
	for i := 0; i+1 < len(item.Content); i += 2 {
		key, value := item.Content[i], item.Content[i+1]
		text := strings.TrimSpace(value.Value)
		switch {
		case key.Value != "question" && key.Value != "answer":
			wrong = append(wrong, mistake{key.Line, fmt.Sprintf("%s: there is no such key; %s", key.Value, faqForm)})
		case value.Kind != yaml.ScalarNode:
			wrong = append(wrong, mistake{value.Line, key.Value + ": is not a text"})
		case key.Value == "question":
			q.Question = text
		default:
			q.Answer = text
		}
	}
	if len(wrong) > 0 {
		return q, wrong
	}
	if q.Question == "" {
		wrong = append(wrong, mistake{item.Line, "question: is missing"})
	}
	if q.Answer == "" {
		wrong = append(wrong, mistake{item.Line, "answer: is missing"})
	}
	return q, wrong
}
