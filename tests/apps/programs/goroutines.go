// Goroutines, channels, timers, garbage collection, panics recovered, and a fault turned into a panic.
package main

import (
	"fmt"
	"os"
	"runtime"
	"sort"
	"strings"
	"sync"
	"time"
)

func fault() (s string) {
	defer func() { s = fmt.Sprint(recover()) }()
	var p *int
	return fmt.Sprint(*p)
}

func main() {
	var wg sync.WaitGroup
	results := make(chan int, 100)
	for i := 0; i < 100; i++ {
		wg.Add(1)
		go func(n int) {
			defer wg.Done()
			m := map[int]string{}
			for j := 0; j < 2000; j++ {
				m[j] = strings.Repeat("x", j%50)
			}
			total := 0
			for _, v := range m {
				total += len(v)
			}
			results <- total + n
		}(i)
	}
	wg.Wait()
	close(results)
	all := []int{}
	for r := range results {
		all = append(all, r)
	}
	sort.Ints(all)
	fmt.Println(all[0], all[99], len(all))
	runtime.GC()
	fmt.Println(fault())
	spin := make(chan bool)
	go func() {
		for i := 0; ; i++ {
			_ = i
			select {
			case <-spin:
				return
			default:
			}
		}
	}()
	select {
	case <-time.After(50 * time.Millisecond):
		fmt.Println("timer")
	}
	spin <- true
	if err := os.WriteFile("/tmp/clade-go-test", []byte("written"), 0o600); err != nil {
		fmt.Println(err)
	}
	b, err := os.ReadFile("/tmp/clade-go-test")
	os.Remove("/tmp/clade-go-test")
	fmt.Println(string(b), err)
	os.Exit(9)
}
