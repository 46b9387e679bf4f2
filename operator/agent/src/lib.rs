//! The sidecar of a trainer: tails metrics.jsonl, pushes it, serves Prometheus.
