module cartwright/bench/driver

go 1.21
