package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// Step is one request; `{{name}}` in path, headers and body is replaced by a variable.
type Step struct {
	Method  string            `json:"method"`
	Path    string            `json:"path"`
	Headers map[string]string `json:"headers"`
	Body    string            `json:"body"`
	Expect  []int             `json:"expect"`
	Save    map[string]string `json:"save"`
	Until   *Until            `json:"until"`
}

// Until repeats its step as long as a saved variable is pending, and never asks when it need not.
type Until struct {
	Variable        string   `json:"variable"`
	Wanted          string   `json:"wanted"`
	Pending         []string `json:"pending"`
	PauseSeconds    float64  `json:"pause_seconds"`
	PatienceSeconds float64  `json:"patience_seconds"`
}

func (s *shopper) take(step *Step) error {
	if step.Until == nil {
		return s.request(step)
	}
	deadline := time.Now().Add(seconds(step.Until.PatienceSeconds))
	for {
		state := s.variables[step.Until.Variable]
		if state == step.Until.Wanted {
			return nil
		}
		if !contains(step.Until.Pending, state) {
			return fmt.Errorf("%s is %s", step.Until.Variable, state)
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("%s is still %s", step.Until.Variable, state)
		}
		time.Sleep(seconds(step.Until.PauseSeconds))
		if err := s.request(step); err != nil {
			return err
		}
	}
}

func (s *shopper) request(step *Step) error {
	s.requests++
	var body io.Reader
	if step.Body != "" {
		body = bytes.NewReader([]byte(s.fill(step.Body)))
	}
	request, err := http.NewRequest(step.Method, s.plan.BaseURL+s.fill(step.Path), body)
	if err != nil {
		return err
	}
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	for name, value := range step.Headers {
		request.Header.Set(name, s.fill(value))
	}
	answer, err := s.client.Do(request)
	if err != nil {
		return fmt.Errorf("%s %s: no answer", step.Method, step.Path)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		return fmt.Errorf("%s %s: cut off", step.Method, step.Path)
	}
	return s.read(step, answer.StatusCode, text)
}

func (s *shopper) read(step *Step, status int, text []byte) error {
	if !contains(step.Expect, status) {
		var problem struct{ Code string }
		_ = json.Unmarshal(text, &problem) // a proxy's page has no code
		return fmt.Errorf("%s %s: %d %s", step.Method, step.Path, status, problem.Code)
	}
	if len(step.Save) == 0 {
		return nil
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(text, &members); err != nil {
		return fmt.Errorf("%s %s: no JSON", step.Method, step.Path)
	}
	for variable, member := range step.Save {
		var value string
		if err := json.Unmarshal(members[member], &value); err != nil {
			return fmt.Errorf("%s %s: no %s", step.Method, step.Path, member)
		}
		s.variables[variable] = value
	}
	return nil
}

func (s *shopper) fill(template string) string {
	if !strings.Contains(template, "{{") {
		return template
	}
	for name, value := range s.variables {
		template = strings.ReplaceAll(template, "{{"+name+"}}", value)
	}
	return template
}

func seconds(number float64) time.Duration { return time.Duration(number * float64(time.Second)) }

func contains[T comparable](all []T, one T) bool {
	for _, each := range all {
		if each == one {
			return true
		}
	}
	return false
}
