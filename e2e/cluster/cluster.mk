# A throwaway Kubernetes on this machine (see e2e/cluster/README.md). Included by the root Makefile.
.PHONY: cluster cluster-down

cluster: ## start the test cluster, or find that it is up
	e2e/cluster/cluster.sh check
	e2e/cluster/cluster.sh up

cluster-down: ## remove the test cluster and every trace of it
	e2e/cluster/cluster.sh down
