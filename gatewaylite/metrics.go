package gatewaylite

import (
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// metrics are those of one gateway, in a registry of their own: a process may
// have more than one.
type metrics struct {
	registry *prometheus.Registry
	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
	received prometheus.Counter
	sent     prometheus.Counter
	inFlight prometheus.Gauge
}

func newMetrics() *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "cairn_s3_requests_total", Help: "Requests answered, by operation and status.",
		}, []string{"operation", "status"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "cairn_s3_request_seconds", Help: "Time from the header of a request to the end of its answer.",
			Buckets: prometheus.ExponentialBuckets(0.0005, 4, 10),
		}, []string{"operation"}),
		received: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "cairn_s3_received_bytes_total", Help: "Bytes of request bodies, as sent.",
		}),
		sent: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "cairn_s3_sent_bytes_total", Help: "Bytes of the bodies of answers.",
		}),
		inFlight: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "cairn_s3_requests_in_flight", Help: "Requests that are being answered.",
		}),
	}
	m.registry.MustRegister(m.requests, m.seconds, m.received, m.sent, m.inFlight)
	return m
}

func (m *metrics) handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}

// observe counts a request that was answered.
func (m *metrics) observe(q *request) {
	name := q.op.String()
	m.requests.WithLabelValues(name, strconv.Itoa(q.w.status)).Inc()
	m.seconds.WithLabelValues(name).Observe(time.Since(q.came).Seconds())
	m.received.Add(float64(q.body.total))
	m.sent.Add(float64(q.w.sent))
}
