// Command driver plays shoppers against a web server, and a payment provider that answers at once.
//
//	driver shop  < plan.json   says "begin" and "end" around what it measures, then one line of JSON
//	driver psp -listen 127.0.0.1:12111
package main

import (
	"encoding/json"
	"fmt"
	"os"
)

func main() {
	if len(os.Args) < 2 {
		fail(fmt.Errorf("usage: driver shop | driver psp -listen ADDRESS"))
	}
	switch os.Args[1] {
	case "shop":
		var plan Plan
		if err := json.NewDecoder(os.Stdin).Decode(&plan); err != nil {
			fail(err)
		}
		if err := json.NewEncoder(os.Stdout).Encode(play(plan)); err != nil {
			fail(err)
		}
	case "psp":
		fail(servePSP(os.Args[2:]))
	default:
		fail(fmt.Errorf("unknown command %q", os.Args[1]))
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, "driver:", err)
	os.Exit(1)
}
