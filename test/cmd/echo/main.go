// Command echo is an example service that answers with what it saw of the request.
package main

import (
	"context"
	"flag"
	"fmt"
	"net"
	"os"
	"os/signal"
	"syscall"

	"github.com/varnish-gateway/gateway/test/echo"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "echo:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	var o echo.Options
	address := flag.String("address", "127.0.0.1:0", "address to listen on")
	flag.StringVar(&o.Service, "service", "echo", "name of the service")
	flag.StringVar(&o.Pod, "pod", os.Getenv("POD_NAME"), "name of the pod")
	flag.BoolVar(&o.HTTP1Only, "http1", false, "speak HTTP/1.1 only")
	flag.DurationVar(&o.Behaviour.Delay, "delay", 0, "wait before each answer")
	flag.IntVar(&o.Behaviour.Status, "status", 0, "status of each answer (default 200)")
	flag.IntVar(&o.Behaviour.Size, "size", 0, "size of each body in bytes (default the JSON of the request)")
	flag.BoolVar(&o.Behaviour.Chunked, "chunked", false, "leave the Content-Length out")
	flag.BoolVar(&o.Behaviour.Truncate, "truncate", false, "break the connection in the middle of each body")
	flag.BoolVar(&o.Behaviour.Close, "close", false, "end the connection after each answer")
	flag.Parse()
	l, err := net.Listen("tcp", *address)
	if err != nil {
		return err
	}
	fmt.Printf("ready http://%s\n", l.Addr())
	return echo.Serve(ctx, l, o)
}
