package main

import (
	"fmt"
	"math/rand"
	"net/http"
	"sync"
	"syscall"
	"time"
)

// Plan is what all shoppers do, over and over; bench/plans.py describes it.
type Plan struct {
	BaseURL       string              `json:"base_url"`
	Shoppers      int                 `json:"shoppers"`
	WarmupSeconds float64             `json:"warmup_seconds"`
	Seconds       float64             `json:"seconds"`
	Seed          int64               `json:"seed"`
	Pools         map[string][]string `json:"pools"`
	Prelude       []Step              `json:"prelude"`
	PreludeEvery  int                 `json:"prelude_every"`
	Steps         []Step              `json:"steps"`
}

// Result is what came of it. Microseconds are of the operations that ended while it was measured;
// Completed counts those before and after too.
type Result struct {
	Microseconds []int64        `json:"microseconds"`
	Requests     int            `json:"requests"`
	Completed    int            `json:"completed"`
	Seconds      float64        `json:"seconds"`
	Errors       map[string]int `json:"errors"`
	CPUSeconds   float64        `json:"cpu_seconds"`
}

type window struct{ begin, end time.Time }

func (w window) holds(at time.Time) bool { return !at.Before(w.begin) && at.Before(w.end) }

func play(plan Plan) Result {
	client := &http.Client{
		Timeout: 60 * time.Second,
		Transport: &http.Transport{
			MaxIdleConns:        2 * plan.Shoppers,
			MaxIdleConnsPerHost: 2 * plan.Shoppers,
			DisableCompression:  true,
		},
	}
	begin := time.Now().Add(time.Duration(plan.WarmupSeconds * float64(time.Second)))
	measured := window{begin, begin.Add(time.Duration(plan.Seconds * float64(time.Second)))}
	shoppers := make([]*shopper, plan.Shoppers)
	var going sync.WaitGroup
	for number := range shoppers {
		shoppers[number] = newShopper(plan, number, client)
		going.Add(1)
		go func(one *shopper) {
			defer going.Done()
			one.shop(measured)
		}(shoppers[number])
	}
	time.Sleep(time.Until(measured.begin))
	fmt.Println("begin")
	time.Sleep(time.Until(measured.end))
	fmt.Println("end")
	going.Wait()
	return sum(shoppers, plan.Seconds)
}

func sum(shoppers []*shopper, seconds float64) Result {
	all := Result{Microseconds: []int64{}, Errors: map[string]int{}, Seconds: seconds}
	for _, one := range shoppers {
		all.Microseconds = append(all.Microseconds, one.result.Microseconds...)
		all.Requests += one.result.Requests
		all.Completed += one.result.Completed
		for label, count := range one.result.Errors {
			all.Errors[label] += count
		}
	}
	var used syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &used) == nil {
		all.CPUSeconds = float64(used.Utime.Nano()+used.Stime.Nano()) / 1e9
	}
	return all
}

type shopper struct {
	plan      Plan
	number    int
	client    *http.Client
	random    *rand.Rand
	variables map[string]string
	requests  int
	result    Result
}

func newShopper(plan Plan, number int, client *http.Client) *shopper {
	return &shopper{
		plan:      plan,
		number:    number,
		client:    client,
		random:    rand.New(rand.NewSource(plan.Seed + int64(number))),
		variables: map[string]string{},
		result:    Result{Errors: map[string]int{}},
	}
}

func (s *shopper) shop(measured window) {
	for turn := 0; time.Now().Before(measured.end); turn++ {
		if len(s.plan.Prelude) > 0 && turn%s.plan.PreludeEvery == 0 {
			s.draw(turn)
			if err := s.walk(s.plan.Prelude); err != nil {
				s.failed(err)
				turn-- // an operation needs its prelude
				continue
			}
		}
		if len(s.plan.Prelude) == 0 {
			s.draw(turn)
		}
		s.operate(measured)
	}
}

func (s *shopper) operate(measured window) {
	began, before := time.Now(), s.requests
	err := s.walk(s.plan.Steps)
	ended := time.Now()
	if err != nil {
		s.failed(err)
		return
	}
	s.result.Completed++
	if measured.holds(ended) {
		s.result.Microseconds = append(s.result.Microseconds, ended.Sub(began).Microseconds())
		s.result.Requests += s.requests - before
	}
}

func (s *shopper) failed(err error) {
	s.result.Errors[err.Error()]++
	time.Sleep(20 * time.Millisecond) // a server that refuses at once must not be flooded
}

// draw picks one value of each pool, and a key nobody had before.
func (s *shopper) draw(turn int) {
	for name, pool := range s.plan.Pools {
		s.variables[name] = pool[s.random.Intn(len(pool))]
	}
	s.variables["key"] = fmt.Sprintf("bench-%d-%d-%d", s.plan.Seed, s.number, turn)
}

func (s *shopper) walk(steps []Step) error {
	for position := range steps {
		if err := s.take(&steps[position]); err != nil {
			return err
		}
	}
	return nil
}
