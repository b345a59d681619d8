#!/bin/sh
# Grade the K-th of N parts of a class: part.sh K N FOLDER --seed 4711 [more of `urdgn-lite grade`].
# For a queue, a CI matrix, or one machine beside another; the same seed for all. Makes part-K/.
set -eu
k=$1 n=$2 folder=$3
shift 3
mkdir -p "part-$k/handed-in"
find "$folder" -mindepth 1 -maxdepth 1 | LC_ALL=C sort |
  awk -v k="$k" -v n="$n" '{ l[NR] = $0 }
    END { for (i = int((k - 1) * NR / n) + 1; i <= int(k * NR / n); i++) print l[i] }' |
  while IFS= read -r one; do cp -R -P "$one" "part-$k/handed-in/"; done
urdgn-lite grade "part-$k/handed-in" --out "part-$k/grades.csv" --feedback "part-$k/feedback" "$@"
