package testenv

import (
	"net/url"
	"os"
	"strings"
	"syscall"
)

// The keys of the first user of every gateway.
const (
	AccessKey = "OWNERSACCESSKEY"
	SecretKey = "owners-secret-key"
)

// Gateway is a running `cairn gateway`.
type Gateway struct {
	*Process
	Endpoint string // http://127.0.0.1:PORT
	Addr     string // 127.0.0.1:PORT
	options  []string
}

// Gateway serves S3 on a free port, with options of `cairn gateway`, and returns once it
// is served.
func (e *Env) Gateway(options ...string) *Gateway {
	e.t.Helper()
	return e.gatewayAt("127.0.0.1:0", options)
}

func (e *Env) gatewayAt(addr string, options []string) *Gateway {
	e.t.Helper()
	p, line := e.start(e.Command(append([]string{"gateway", "--listen", addr}, options...)...))
	endpoint, ok := strings.CutPrefix(line, "serving S3 at ")
	u, err := url.Parse(strings.TrimSpace(endpoint))
	if !ok || err != nil {
		p.cmd.Wait()
		e.t.Fatalf("cairn gateway said %q\n%s", line, p.Log())
	}
	g := &Gateway{Process: p, Endpoint: u.String(), Addr: u.Host, options: options}
	e.stops = append(e.stops, g.Stop)
	return g
}

// Again starts a gateway that ended, at the same address.
func (g *Gateway) Again() *Gateway {
	g.e.t.Helper()
	return g.e.gatewayAt(g.Addr, g.options)
}

// Stop ends the gateway as Ctrl-C does, which must end well.
func (g *Gateway) Stop() {
	g.e.t.Helper()
	if g.done {
		return
	}
	g.Signal(os.Interrupt)
	g.end()
}

// Terminate asks the gateway to end, and returns at once; End waits for it.
func (g *Gateway) Terminate() { g.Signal(syscall.SIGTERM) }

// End waits for the end of the gateway, which must be a success.
func (g *Gateway) End() {
	g.e.t.Helper()
	g.end()
}

// Kill ends the gateway as kill -9 does.
func (g *Gateway) Kill() {
	g.e.t.Helper()
	g.kill()
}
