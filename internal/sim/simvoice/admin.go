package simvoice

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"strings"
)

// The simulated account can be onboarded. The workspace that the options name is made once; the first assistant made
// in it takes the calls.
const (
	onboardPath = "/v2/workspace/onboard/shopify"
	adminPath   = "/v1/admin/assistant"
)

// administer adds the requests of an onboarding.
func (s *Server) administer() {
	s.mux.HandleFunc("POST "+onboardPath, s.makeWorkspace)
	s.mux.HandleFunc("GET "+adminPath+"/list", s.listAssistants)
	s.mux.HandleFunc("POST "+adminPath+"/create", s.makeAssistant)
	s.mux.HandleFunc("PUT "+adminPath+"/update/{id}", s.updateAssistant)
}

func (s *Server) makeWorkspace(w http.ResponseWriter, r *http.Request) {
	if _, ok := s.admit(w, r, s.onboarding, false); !ok {
		return
	}
	s.mu.Lock()
	exists := s.workspace
	s.workspace = true
	s.mu.Unlock()
	if exists {
		s.refuse(w, http.StatusConflict, "Workspace already exists")
		return
	}
	reply(w, http.StatusCreated, map[string]any{
		"workspace": s.opts.Workspace, "status": "active",
		"billing": map[string]any{"type": "prepaid", "creditBalance": 1000, "negativeCreditAllowance": 0},
	})
}

func (s *Server) listAssistants(w http.ResponseWriter, r *http.Request) {
	if _, ok := s.admit(w, r, s.onboarding, true); !ok {
		return
	}
	reply(w, http.StatusOK, map[string]any{"message": "Assistants fetched", "data": s.Assistants()})
}

func (s *Server) makeAssistant(w http.ResponseWriter, r *http.Request) {
	body, ok := s.admit(w, r, s.onboarding, true)
	if !ok {
		return
	}
	var made map[string]any
	_ = json.Unmarshal(body, &made)
	s.mu.Lock()
	for _, a := range s.assistants {
		if strings.EqualFold(fmt.Sprint(a["name"]), fmt.Sprint(made["name"])) {
			s.mu.Unlock()
			s.refuse(w, http.StatusConflict, "An assistant of this name exists")
			return
		}
	}
	id := s.opts.Assistant
	if n := len(s.assistants); n > 0 {
		id = fmt.Sprintf("%s-%d", id, n+1)
	}
	made["_id"] = id
	s.assistants = append(s.assistants, made)
	s.mu.Unlock()
	reply(w, http.StatusOK, map[string]any{"message": "Assistant created", "data": map[string]any{"_id": id}})
}

func (s *Server) updateAssistant(w http.ResponseWriter, r *http.Request) {
	body, ok := s.admit(w, r, s.onboarding, true)
	if !ok {
		return
	}
	var changes map[string]any
	_ = json.Unmarshal(body, &changes)
	delete(changes, "variant")
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, a := range s.assistants {
		if a["_id"] == r.PathValue("id") {
			maps.Copy(a, changes)
			reply(w, http.StatusOK, map[string]any{"message": "Assistant updated"})
			return
		}
	}
	reply(w, http.StatusNotFound, map[string]any{"code": 404, "message": "Assistant not found"})
}

// Assistants lists the assistants that were made, each as it was sent, with its "_id".
func (s *Server) Assistants() []map[string]any {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]map[string]any, len(s.assistants))
	for i, a := range s.assistants {
		all[i] = maps.Clone(a)
	}
	return all
}
