# Build output lies outside the clone, so that every clone on a machine shares it.
export CARGO_TARGET_DIR ?= $(HOME)/.cache/skywarden/target
BIN := $(CARGO_TARGET_DIR)/release/skywarden
DEMO ?= demo-out

.PHONY: demo test build bench torture lint clean web web-test client-test geoip

## demo: build, write two days of logs of three accounts with an attack in them, and tell what happened
demo: build
	@rm -rf $(DEMO)
	@$(BIN) generate $(DEMO)/logs
	@$(BIN) scan $(DEMO)/logs/AWSLogs --report $(DEMO)/report.html
	@echo
	@echo "The same logs in a lake, and three questions:"
	@$(BIN) ingest --quiet $(DEMO)/logs/AWSLogs --lake $(DEMO)/lake > /dev/null
	@echo; echo "Who was refused most often?"
	@$(BIN) query 'filter errorCode like /Denied/ and ispresent(userIdentity.arn) | stats count(*) as refused by userIdentity.arn | sort refused desc | limit 5' --lake $(DEMO)/lake
	@echo; echo "Who took which role, from where?"
	@$(BIN) query 'filter eventName = "AssumeRole" | stats count(*) as times by sourceIPAddress, requestParameters.roleArn | sort times desc | limit 5' --lake $(DEMO)/lake
	@echo; echo "Which flows carried most?"
	@$(BIN) query --lang sql 'SELECT srcaddr, dstaddr, sum(traffic.bytes) AS bytes FROM vpc WHERE srcaddr IS NOT NULL GROUP BY 1, 2 ORDER BY bytes DESC LIMIT 5' --lake $(DEMO)/lake
	@echo
	@echo "Open $(DEMO)/report.html in a browser: it needs no network. Your own logs: $(BIN) scan PATH"
	@if [ -t 1 ]; then echo; echo "And the console, over the same kind of logs (Ctrl-C ends it):"; exec $(BIN) demo; \
	else echo "The console: $(BIN) demo, then open the link that it prints"; fi

## test: everything that is checked
# Random cases are the same in every run here: what is found by others enters as a case. Another seed: make test PROPTEST_RNG_SEED=…
test: export PROPTEST_RNG_SEED ?= 20261124
test: web lint
	cargo test --workspace --locked
	@$(MAKE) --no-print-directory client-test web-test

## web: the console, built into web/dist, which the binary takes in
web: web/dist/index.html

web/node_modules/.package-lock.json: web/package-lock.json web/package.json
	@command -v npm >/dev/null || { echo "npm is not installed: install Node 20 or newer (or run 'cargo build' for a binary without the console)" >&2; exit 1; }
	cd web && npm ci --prefer-offline --ignore-scripts --no-audit --no-fund
	@touch $@

web/dist/index.html: web/node_modules/.package-lock.json docs/openapi.json $(shell find web/src web/public web/scripts web/index.html web/vite.config.ts web/tsconfig.json -type f -not -name types.ts)
	cd web && npm run --silent build && npm run --silent check

## client-test: log shippers and API clients of others, as they are, drive the binary that `cargo test` built
CLIENTS := $(CARGO_TARGET_DIR)/clients-$(shell cksum tests/clients/requirements.txt | cut -d' ' -f1)
client-test: $(CLIENTS)/complete
	@tests/clients/tools.sh
	$(CLIENTS)/bin/python -m pytest -q -p no:cacheprovider tests/clients

$(CLIENTS)/complete:
	python3 -m venv --clear $(CLIENTS)
	$(CLIENTS)/bin/pip install -q --disable-pip-version-check -r tests/clients/requirements.txt
	@touch $@

## web-test: the console in a real browser, over the binary that `cargo test` built
web-test: web
	@web/tests/chromium.sh
	cd web && npm run --silent unit && npm run --silent test

## build: the release binary with the console in it; the last line is its path
build: web
	@cargo build --workspace --release --locked
	@echo $(BIN)

## geoip: where public addresses are, fetched from the npm registry (28 MB, once) into a cache outside the clone; all works without it
geoip:
	@test -x $(BIN) || cargo build --workspace --release --locked
	@crates/enrich/geoip.sh $(BIN)

## bench: side by side with peers, into bench/runs/
bench: build
	bench/run

## torture: the server is killed a hundred times under load and a hundred times at its failpoints, lives through a thousand simulated worlds, and random tests run with a seed of their own
torture:
	SKYWARDEN_KILLS=$${KILLS:-100} cargo test --workspace --locked --test serve -- --nocapture kill_at_any_instant wherever_it_fails
	SKYWARDEN_SIM_FIRST=$$(date +%s)0000 SKYWARDEN_SIM_RUNS=$${WORLDS:-1000} cargo test --workspace --locked --bin skywarden sim::any_seed -- --nocapture
	env -u PROPTEST_RNG_SEED cargo test --workspace --locked

## lint: format, warnings, rules
lint:
	cargo fmt --all --check
	# Without what only tests depend on, too: their features must not be what makes the product compile.
	cargo check --workspace --locked
	cargo clippy --workspace --all-targets --locked -- -D warnings

clean:
	rm -rf $(DEMO)
