.DEFAULT_GOAL := help
PYTHON ?= python3
help: ## list the targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12
.PHONY: help
