//! Studies and trials on Kubernetes: observe, validate, decide, apply, status.
