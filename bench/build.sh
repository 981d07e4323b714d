# Sourced by the programs beside it: how they are built, and on which JDK they run.

bench=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(dirname "$bench")

# Says how to use the program where that is asked for.
help_if_asked() {
  local option
  for option in "$@"; do
    if [[ $option == --help || $option == -h ]]; then
      usage
      exit
    fi
  done
}

missing() {
  echo "bench/$(basename "$0"): $1" >&2
  exit 1
}

need_haproxy() {
  # Debian has it where only root looks.
  PATH=$PATH:/usr/sbin
  command -v haproxy >/dev/null || missing 'needs haproxy as the balancer; on Debian: apt-get install haproxy'
}

# One for the server, and the others, up to $last_core, for everything else.
need_cores_and() {
  local program
  last_core=$(($(nproc) - 1))
  ((last_core > 0)) || missing 'needs two cores: one for the server, one for everything else'
  for program in taskset "$@"; do
    command -v "$program" >/dev/null || missing "needs $program"
  done
}

newest_jdk() {
  local home
  for home in /usr/lib/jvm/*; do
    if [[ ! -L $home ]] && "$home/bin/java" -version 2>&1 | grep -q 'version "25'; then
      echo "$home"
      return
    fi
  done
  java -XshowSettings:properties -version 2>&1 | sed -n 's/^ *java.home = //p'
}

# What docs/performance.md tells to run it with; a JDK too old for compact object headers goes without.
: "${SLUICE_JVM_FLAGS=-XX:+UseSerialGC -XX:+IgnoreUnrecognizedVMOptions -XX:+UseCompactObjectHeaders}"

java_home=${BENCH_JAVA_HOME:-$(newest_jdk)}

maven=("$root/mvnw" -B -ntp -q -Dmaven.test.skip=true -Dspotless.check.skip=true)

# Builds $harness, and tells it the program's arguments: what is wrong with them is said before the rest is built.
build_harness() {
  echo 'building the harness'
  "${maven[@]}" -f "$bench/pom.xml" package
  "${harness[@]}" --check "$@"
}

# Builds what is measured; its arguments are Maven's.
build_sluice() {
  echo "building Sluice${*:+ with $*}"
  "${maven[@]}" -f "$root/pom.xml" package "$@"
}

install_peers() {
  echo 'installing the peers'
  npm ci --prefix "$bench/peers" --silent --no-audit --no-fund
}

# Each client, and the server's end of it, is an open file.
ulimit -n "$(ulimit -Hn)"
