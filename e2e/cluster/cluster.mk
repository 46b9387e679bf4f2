# A throwaway Kubernetes on this machine (see e2e/cluster/README.md). Included by the root Makefile.
.PHONY: cluster cluster-down

cluster: release ## a throwaway Kubernetes here with Studious installed; prints how to use it
	e2e/cluster/cluster.sh check
	e2e/cluster/cluster.sh build
	e2e/cluster/cluster.sh up >/dev/null
	e2e/cluster/cluster.sh images
	e2e/install.sh
	e2e/cluster/cluster.sh env

cluster-down: ## remove that cluster and every trace of it
	e2e/cluster/cluster.sh down
