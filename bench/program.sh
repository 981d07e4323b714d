#!/usr/bin/env bash
# Builds the benchmarks and what they measure, and runs the program with the name of the link that this was called by.
# BENCH_JAVA_HOME is the JDK for Sluice and the benchmarks; by default a JDK 25 in /usr/lib/jvm, else the default one.
set -euo pipefail

program=$(basename "$0")
bench=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(dirname "$bench")

fail() {
  echo "bench/$program: $1" >&2
  exit 1
}

need() {
  local tool
  for tool in "$@"; do
    command -v "$tool" >/dev/null || fail "needs $tool"
  done
}

# One core for the server; the program and everything else run on the others.
pin() {
  local last_core=$(($(nproc) - 1))
  ((last_core > 0)) || fail 'needs two cores: one for the server, one for everything else'
  need taskset "$@"
  pinned=(taskset -c "1-$last_core")
}

jdk_25_or_default() {
  local home
  for home in /usr/lib/jvm/*; do
    if [[ ! -L $home ]] && "$home/bin/java" -version 2>&1 | grep -q 'version "25'; then
      echo "$home"
      return
    fi
  done
  property "$(command -v java)" java.home
}

property() { "$1" -XshowSettings:properties -version 2>&1 | sed -n "s/^ *$2 = //p"; }
version() { property "$1/bin/java" java.specification.version; }

build_sluice() {
  echo "building Sluice${*:+ with $*}"
  "${maven[@]}" -f "$root/pom.xml" package "$@"
}

# The flags that docs/performance.md recommends; a JDK too old for compact object headers goes without them.
: "${SLUICE_JVM_FLAGS=-XX:+UseSerialGC -XX:+IgnoreUnrecognizedVMOptions -XX:+UseCompactObjectHeaders}"
java_home=${BENCH_JAVA_HOME:-$(jdk_25_or_default)}
maven=("$root/mvnw" -B -ntp -q -Dmaven.test.skip=true -Dspotless.check.skip=true)
arguments=("$@")
pinned=()
heap=(-Xms1g -Xmx1g)

case $program in
  run) main=Bench ;;
  start) main=Starts heap=(-Xmx128m) ;;
  attack) main=attack.AttackProgram ;;
  ledger) main=ledger.Ledger ;;
  resume) main=resume.Resume ;;
  rollout) main=rollout.Rollout ;;
  *) fail 'call one of the links to this script' ;;
esac
java=(
  "$java_home/bin/java" "${heap[@]}" -XX:+UseSerialGC --enable-native-access=ALL-UNNAMED
  -Dio.netty.noUnsafe=true -Dio.netty.buffer.checkBounds=false -Dio.netty.buffer.checkAccessible=false
  "-Dbench.home=$bench" "-Dbench.sluice-jvm-flags=$SLUICE_JVM_FLAGS"
  -cp "$bench/target/classes:$bench/target/lib/*" "dev.sluice.bench.$main"
)

# Wrong options are reported before Sluice is built.
echo 'building the benchmarks' >&2
"${maven[@]}" -f "$bench/pom.xml" package
"${java[@]}" --check "$@"
for option in "$@"; do
  [[ $option != --help && $option != -h ]] || exit 0
done

case $program in
  run | resume)
    pin node npm
    if [[ $* == *sluice-unmetered* ]]; then
      build_sluice -Dquarkus.micrometer.export.prometheus.enabled=false -Dquarkus.package.output-directory=unmetered
    fi
    build_sluice
    echo 'installing the peers'
    npm ci --prefix "$bench/peers" --silent --no-audit --no-fund
    ;;
  attack)
    pin chrt
    build_sluice
    ;;
  ledger | rollout)
    # Debian has HAProxy where only root looks.
    PATH=$PATH:/usr/sbin
    need haproxy
    build_sluice
    ;;
  start)
    ways="$bench/target/start"
    rm -rf "$ways"
    mkdir -p "$ways"
    build_sluice
    cp -r "$root/target/quarkus-app" "$ways/jar"
    default_home=$(property "$(command -v java)" java.home)
    if [[ $(version "$default_home") != "$(version "$java_home")" ]]; then
      arguments+=(--way "jar, JDK $(version "$default_home")" "$default_home/bin/java -XX:+UseSerialGC -jar $ways/jar/quarkus-run.jar")
    fi
    arguments+=(--way "jar, JDK $(version "$java_home")" "$java_home/bin/java -XX:+UseSerialGC -jar $ways/jar/quarkus-run.jar")
    if (($(version "$java_home") >= 25)); then
      echo 'building Sluice with an AOT cache'
      JAVA_HOME=$java_home "$root/mvnw" -B -ntp -q -f "$root/pom.xml" verify -Daot -Dspotless.check.skip=true >"$ways/aot.log" 2>&1 ||
        fail "can't make an AOT cache; $ways/aot.log says why"
      app=$root/target/quarkus-app
      arguments+=(--way "jar with an AOT cache, JDK $(version "$java_home")"
        "$java_home/bin/java -XX:+UseSerialGC -XX:+UseCompactObjectHeaders -XX:AOTMode=on -XX:AOTCache=$app/app.aot -jar $app/quarkus-run.jar")
    fi
    ;;
esac

# Each client, and the server's end of it, is an open file.
ulimit -n "$(ulimit -Hn)"
exec "${pinned[@]}" "${java[@]}" "${arguments[@]}"
