# make run    build, and mount the bucket home on ~/Cairn until Ctrl-C
# make test   lint and all ordinary tests, real mounts included
# make soak   the long tests: hours of kill -9, 20 GiB through one mount
#
# What a target needs of the system it installs with apt, if it is missing.

GO ?= go
FUZZTIME ?= 30s
BENCHFLAGS ?=
# The same binary on every machine, whether it has a C compiler or not.
export CGO_ENABLED = 0

.PHONY: build run test race lint fuzz bench soak clean

# need installs packages: $(call need,command:package ...)
need = @missing=; \
	for pair in $(1); do command -v $${pair%%:*} >/dev/null || missing="$$missing $${pair\#\#*:}"; done; \
	if [ -n "$$missing" ]; then \
		sudo=; [ "$$(id -u)" = 0 ] || sudo=sudo; \
		$$sudo apt-get update -q && \
		$$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends $$missing; \
	fi

test-tools = fusermount3:fuse3 sqlite3:sqlite3 rsync:rsync git:git \
	/usr/bin/aws:awscli rclone:rclone s3cmd:s3cmd restic:restic

build:
	$(GO) build -trimpath -o bin/cairn ./cmd/cairn

run: build
	$(call need,fusermount3:fuse3)
	@exec bin/cairn up

test: lint
	$(call need,$(test-tools))
	$(GO) test -timeout 20m ./...

race: export CGO_ENABLED = 1
race:
	$(call need,$(test-tools) gcc:gcc gcc:libc6-dev)
	$(GO) test -race -timeout 60m ./...

lint:
	@unformatted=$$(gofmt -l $$($(GO) list -f '{{.Dir}}' ./...)); \
	if [ -n "$$unformatted" ]; then echo "not gofmt clean:"; echo "$$unformatted"; exit 1; fi
	$(GO) vet ./...
	$(GO) vet -tags soak ./integration
	$(GO) tool staticcheck ./...

fuzz:
	@for file in $$(grep -rl '^func Fuzz' --include='*_test.go' .); do \
		for target in $$(sed -n 's/^func \(Fuzz[A-Za-z0-9_]*\).*/\1/p' $$file); do \
			$(GO) test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) $$(dirname $$file) || exit 1; \
		done; \
	done

bench: build
	$(call need,fusermount3:fuse3 rsync:rsync)
	$(GO) run ./integration/bench $(BENCHFLAGS)

soak:
	$(call need,$(test-tools))
	$(GO) test -tags soak -timeout 12h -v -count 1 ./integration

clean:
	rm -rf bin
