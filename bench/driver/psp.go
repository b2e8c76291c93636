package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// psp speaks just enough of Stripe's protocol to hold money at once: every card is good, nothing is
// validated, nobody is told by webhook. It measures the shop, not the provider.
type psp struct {
	made  atomic.Int64
	mutex sync.RWMutex
	byID  map[string][]byte
	byKey map[string][]byte
}

func servePSP(arguments []string) error {
	flags := flag.NewFlagSet("psp", flag.ContinueOnError)
	listen := flags.String("listen", "127.0.0.1:12111", "address to answer on")
	if err := flags.Parse(arguments); err != nil {
		return err
	}
	one := &psp{byID: map[string][]byte{}, byKey: map[string][]byte{}}
	return http.ListenAndServe(*listen, one)
}

func (p *psp) ServeHTTP(answer http.ResponseWriter, request *http.Request) {
	answer.Header().Set("Content-Type", "application/json")
	id, isOne := strings.CutPrefix(request.URL.Path, "/v1/payment_intents/")
	switch {
	case request.URL.Path == "/":
		fmt.Fprint(answer, "{}")
	case request.Method == http.MethodPost && request.URL.Path == "/v1/payment_intents":
		answer.Write(p.authorize(request))
	case request.Method == http.MethodGet && isOne && p.find(id) != nil:
		answer.Write(p.find(id))
	default:
		answer.WriteHeader(http.StatusNotFound)
		fmt.Fprint(answer, `{"error": {"type": "invalid_request_error", "code": "resource_missing",`+
			` "message": "This stand-in only authorizes."}}`)
	}
}

func (p *psp) find(id string) []byte {
	p.mutex.RLock()
	defer p.mutex.RUnlock()
	return p.byID[id]
}

// authorize answers the same key with the same intent.
func (p *psp) authorize(request *http.Request) []byte {
	key := request.Header.Get("Idempotency-Key")
	p.mutex.RLock()
	known := p.byKey[key]
	p.mutex.RUnlock()
	if known != nil {
		return known
	}
	id, body := p.intent(request)
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if known := p.byKey[key]; known != nil {
		return known
	}
	p.byKey[key], p.byID[id] = body, body
	return body
}

func (p *psp) intent(request *http.Request) (string, []byte) {
	_ = request.ParseForm() // what is missing stays empty
	metadata := map[string]string{}
	for name := range request.PostForm {
		if inner, found := strings.CutPrefix(name, "metadata["); found {
			metadata[strings.TrimSuffix(inner, "]")] = request.PostForm.Get(name)
		}
	}
	amount, _ := strconv.ParseInt(request.PostForm.Get("amount"), 10, 64)
	id := fmt.Sprintf("pi_bench%d_%d", time.Now().UnixNano(), p.made.Add(1))
	body, _ := json.Marshal(map[string]any{
		"id":                   id,
		"object":               "payment_intent",
		"amount":               amount,
		"amount_capturable":    amount,
		"amount_received":      0,
		"capture_method":       request.PostForm.Get("capture_method"),
		"created":              time.Now().Unix(),
		"currency":             request.PostForm.Get("currency"),
		"last_payment_error":   nil,
		"livemode":             false,
		"metadata":             metadata,
		"next_action":          nil,
		"payment_method_types": []string{"card"},
		"status":               "requires_capture",
	})
	return id, body
}
