#!/usr/bin/env bash
# CPU microseconds a request, the gateway beside nginx in one run: each on core 0, load and mock upstream on core 1.
# Needs a C compiler, curl and nginx, and `make serve` to have run once. Usage: benchmarks/proxy.sh [ROUNDS]
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
sluice=$here/../.venv/bin/sluice
work=$(mktemp -d)
mkdir "$work/logs"
trap 'kill $(jobs -p) 2>/dev/null || true; rm -rf "$work"' EXIT
cc -O2 -o "$work/mock" "$here/mock.c"
cc -O2 -o "$work/load" "$here/load.c"

cat > "$work/config.yaml" <<YAML
server: {port: 8300}
data: $work/data
upstreams:
  mock: {provider: openai, model: gpt-4o-mini, base_url: "http://127.0.0.1:9001/v1"}
YAML
cat > "$work/manifest.yaml" <<'YAML'
prompts:
  tone: {variables: {name: string, tone: string}, messages: [{role: system, content: "Be {{ tone }} to {{ name }}."}]}
endpoints:
  bench: {upstream: mock, parameters: {temperature: 0.1}}
  bench-prompt: {prompt: tone, upstream: mock}
YAML
sed 's/"gpt-4o-mini"/"bench"/' "$here/body.json" > "$work/plain.json"
sed 's/"gpt-4o-mini"/"bench-prompt", "prompt": {"id": "tone", "variables": {"name": "Ann", "tone": "kind"}}/' \
  "$here/body.json" > "$work/prompt.json"

taskset -c 1 "$work/mock" 9001 0 0 >/dev/null 2>&1 &
taskset -c 0 nginx -p "$work" -c "$here/nginx.conf" >/dev/null 2>&1 &
nginx=$!
taskset -c 0 "$sluice" serve --config "$work/config.yaml" >"$work/out.log" 2>"$work/err.log" &
gateway=$!
until curl -sf 127.0.0.1:8300/healthz >/dev/null; do sleep 0.2; done
key=$(grep -o 'sk-[A-Za-z0-9_-]*' "$work/out.log" | head -1)
"$sluice" apply -f "$work/manifest.yaml" --config "$work/config.yaml" >/dev/null
sleep 2

ticks() { awk '{sub(/.*\) /, ""); print $12 + $13}' "/proc/$1/stat"; }
measure() { # NAME PID PORT BODY
  local before after answers
  before=$(ticks "$2")
  answers=$(taskset -c 1 "$work/load" -c 16 -d 4 -w 0 -p "$3" -b "$work/$4" \
    -H "Authorization: Bearer $key" -H "Content-Type: application/json" | grep -o '"ok":[0-9]*' | cut -d: -f2)
  after=$(ticks "$2")
  awk -v name="$1" -v t=$((after - before)) -v n="$answers" -v hz="$(getconf CLK_TCK)" \
    'BEGIN {printf "%-18s %7.1f us  (%d answers)\n", name, t / hz * 1e6 / n, n}'
}
for _ in $(seq "${1:-3}"); do
  measure nginx "$nginx" 8100 plain.json
  measure sluicegate "$gateway" 8300 plain.json
  measure sluicegate-prompt "$gateway" 8300 prompt.json
done
