package mirai

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"ringback/internal/voice"
	"ringback/internal/voice/tolerant"
	"ringback/internal/voice/wire"
)

const (
	workspacePath = "/v2/workspace/onboard/shopify"
	listPath      = "/v1/admin/assistant/list"
	createPath    = "/v1/admin/assistant/create"
	updatePath    = "/v1/admin/assistant/update/"
)

// Onboarder makes a store's workspace and assistant at Mirai. It implements voice.Onboarder.
type Onboarder struct {
	brief     voice.Brief
	pair      Pair
	network   voice.Network
	workspace workspaceRequest
	assistant assistantRequest
}

// NewOnboarder checks the brief; the error lists everything that is missing, by its key in the configuration. An
// empty voice.workspace is made. An empty voice.assistant is looked for by its name, and made when there is none of
// that name.
func NewOnboarder(brief voice.Brief, network voice.Network) (*Onboarder, error) {
	settings, err := voice.SettingsOf[Settings](brief.Voice)
	if err != nil {
		return nil, err
	}
	o := &Onboarder{brief: brief, pair: settings.Pair, network: network}
	var problems []error
	missing := func(key, value string) {
		if strings.TrimSpace(value) == "" {
			problems = append(problems, fmt.Errorf("%s: missing; Mirai's onboarding needs it", key))
		}
	}
	v := brief.Voice
	missing("voice.public_key", strings.Join(o.pair.Public(), ""))
	if len(o.pair.Private()) == 0 {
		missing("voice.private_key", "")
	}
	if v.Workspace == "" {
		missing("currency", brief.Currency)
		missing("timezone", brief.Timezone)
		missing("voice.onboarding.brand", v.Onboarding.Brand)
		missing("voice.onboarding.support_phone", v.Onboarding.SupportPhone)
		missing("voice.onboarding.trust.one_liner", v.Onboarding.Trust.OneLiner)
	}
	missing("voice.onboarding.agent.name", v.Onboarding.Agent.Name)
	missing("voice.onboarding.agent.gender", v.Onboarding.Agent.Gender)
	missing("voice.onboarding.agent.voice", v.Onboarding.Agent.Voice)
	missing("voice.onboarding.agent.language", v.Onboarding.Agent.Language)
	if v.Onboarding.Agent.AssistantName == "" {
		missing("voice.onboarding.brand", v.Onboarding.Brand)
	}
	if v.Onboarding.Agent.Variant == "custom" {
		missing("voice.onboarding.agent.system_prompt", v.Onboarding.Agent.SystemPrompt)
	}
	o.workspace = newWorkspaceRequest(brief)
	if o.assistant, err = newAssistantRequest(brief, settings.Payload); err != nil {
		problems = append(problems, err)
	}
	return o, errors.Join(problems...)
}

// Steps implements voice.Onboarder: the requests of an onboarding for which nothing exists yet but what the
// configuration names.
func (o *Onboarder) Steps(context.Context) ([]voice.Step, error) {
	var steps []voice.Step
	add := func(what, method, path string, body any) error {
		step := voice.Step{What: what, Method: method, URL: strings.TrimSuffix(o.brief.Voice.BaseURL, "/") + path}
		if body != nil {
			raw, err := json.Marshal(body)
			if err != nil {
				return err
			}
			step.Body = raw
		}
		steps = append(steps, step)
		return nil
	}
	var errs []error
	if o.brief.Voice.Workspace == "" {
		errs = append(errs, add("make the workspace", http.MethodPost, workspacePath, o.workspace))
	}
	errs = append(errs, add("look for the assistant", http.MethodGet, listPath, nil))
	if id := o.brief.Voice.Assistant; id != "" {
		errs = append(errs, add("update the assistant", http.MethodPut, updatePath+url.PathEscape(id),
			o.assistant.update()))
	} else {
		errs = append(errs, add("make the assistant, or update the one of this name", http.MethodPost, createPath,
			o.assistant))
	}
	return steps, errors.Join(errs...)
}

// Run implements voice.Onboarder.
func (o *Onboarder) Run(ctx context.Context) (voice.Onboarded, error) {
	var done voice.Onboarded
	workspace, assistant := o.brief.Voice.Workspace, ""
	err := func() (err error) {
		if workspace == "" {
			if workspace, err = o.makeWorkspace(ctx); err != nil {
				return fmt.Errorf("make the workspace: %w", err)
			}
			done.Done = append(done.Done, "made the workspace "+workspace)
		}
		client, err := o.client(workspace)
		if err != nil {
			return err
		}
		if assistant, err = o.find(ctx, client); err != nil {
			return fmt.Errorf("look for the assistant: %w", err)
		}
		if assistant != "" {
			path := updatePath + url.PathEscape(assistant)
			_, err := client.Ask(ctx, http.MethodPut, path, o.assistant.update(), voice.RefusedAssistant, nil)
			if err != nil {
				return fmt.Errorf("update the assistant: %w", err)
			}
			done.Done = append(done.Done, "updated the assistant "+assistant)
			return nil
		}
		if assistant, err = o.makeAssistant(ctx, client); err != nil {
			return fmt.Errorf("make the assistant: %w", err)
		}
		done.Done = append(done.Done, "made the assistant "+assistant)
		return nil
	}()
	done.Keys = o.keys(workspace, assistant)
	return done, err
}

// keys are what the configuration must have of a workspace and an assistant; none where it has them.
func (o *Onboarder) keys(workspace, assistant string) []voice.Assignment {
	v := o.brief.Voice
	if workspace == v.Workspace && (assistant == v.Assistant || assistant == "") {
		return nil
	}
	keys := []voice.Assignment{{Key: "workspace", Value: workspace}}
	if assistant != "" {
		keys = append(keys, voice.Assignment{Key: "assistant", Value: assistant})
	}
	return keys
}

// client speaks for the account, in a workspace or in none.
func (o *Onboarder) client(workspace string) (*wire.Client, error) {
	header := http.Header{"X-Public-Key": {o.pair.Public()[0]}, "X-Private-Key": {o.pair.Private()[0].Reveal()}}
	if workspace != "" {
		header["Workspace"] = []string{workspace}
	}
	return wire.New(o.brief.Voice.BaseURL, o.brief.Voice.Timeout, header, o.network)
}

func (o *Onboarder) makeWorkspace(ctx context.Context) (string, error) {
	client, err := o.client("")
	if err != nil {
		return "", err
	}
	body, err := client.Ask(ctx, http.MethodPost, workspacePath, o.workspace, voice.RefusedOther, nil)
	if conflict(err) {
		return "", errors.New("it exists already, and Mirai does not tell its id: look it up in Mirai's dashboard " +
			"and set voice.workspace")
	}
	if err != nil {
		return "", err
	}
	return idIn(body, "workspace", "_id", "id")
}

func (o *Onboarder) makeAssistant(ctx context.Context, client *wire.Client) (string, error) {
	body, err := client.Ask(ctx, http.MethodPost, createPath, o.assistant, voice.RefusedKeys, nil)
	if conflict(err) {
		return "", fmt.Errorf("an assistant named %q exists, but is not on the workspace's list: set "+
			"voice.assistant to its id, or choose another voice.onboarding.agent.assistant_name", o.assistant.Name)
	}
	if err != nil {
		return "", err
	}
	return idIn(body, "assistantId", "_id", "id")
}

func conflict(err error) bool {
	var refused *voice.RefusedError
	return errors.As(err, &refused) && refused.Status == http.StatusConflict
}

// idIn reads an id from the forms in which Mirai's documents write an answer: on top or under data.
func idIn(body []byte, keys ...string) (string, error) {
	answers, err := tolerant.Decode(body)
	if err != nil {
		return "", fmt.Errorf("read the answer: %w", err)
	}
	data := answers[0].Object("data")
	for _, o := range []tolerant.Object{data, answers[0], data.Object("workspace"), answers[0].Object("workspace")} {
		if id := o.Word(keys...); id != "" {
			return id, nil
		}
	}
	return "", errors.New("the answer holds no id; run this again, or look the id up in Mirai's dashboard")
}

// find looks for the assistant: by the id of the configuration, else by its name.
func (o *Onboarder) find(ctx context.Context, client *wire.Client) (string, error) {
	body, err := client.Ask(ctx, http.MethodGet, listPath, nil, voice.RefusedOther, nil)
	if err != nil {
		return "", err
	}
	wanted := o.brief.Voice.Assistant
	for _, a := range assistantsIn(body) {
		id := a.Word("_id", "assistantId", "id")
		named := strings.EqualFold(strings.TrimSpace(a.Word("name")), strings.TrimSpace(o.assistant.Name))
		if id == "" || wanted != "" && id != wanted || wanted == "" && (!named || a.Value("archivedAt") != nil) {
			continue
		}
		variant := a.Object("variant").Word("type")
		if variant == "" {
			variant = a.Word("variant")
		}
		if variant != "" && variant != o.assistant.Variant.Type {
			return "", fmt.Errorf("the assistant %s is of the variant %s, which cannot be changed: set "+
				"voice.onboarding.agent.variant to it, or choose another assistant_name", id, variant)
		}
		return id, nil
	}
	if wanted != "" {
		return "", fmt.Errorf("voice.assistant: the workspace has no assistant %q; correct the id, or leave it out "+
			"to have one made", wanted)
	}
	return "", nil
}

// assistantsIn finds the list in an answer: {"data": […]}, {"data": {"assistants": […]}} or the list alone.
func assistantsIn(body []byte) []tolerant.Object {
	answers, err := tolerant.Decode(body)
	if err != nil {
		return nil
	}
	list := answers[0].Value("data", "assistants")
	if inner := answers[0].Object("data"); inner != nil {
		list = inner.Value("assistants", "data", "items")
	}
	if list == nil {
		return answers
	}
	items, _ := list.([]any)
	var all []tolerant.Object
	for _, item := range items {
		if o, ok := item.(map[string]any); ok {
			all = append(all, o)
		}
	}
	return all
}
