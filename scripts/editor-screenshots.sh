#!/usr/bin/env bash
# Make docs/editor.png and docs/editor-kit.png again: the window of the standalone program, driven by a script.
#
#   scripts/editor-screenshots.sh [FOLDER]        default: docs
#
# Needs, on Debian: apt-get install xvfb xdotool imagemagick libgl1-mesa-dri. Takes a display of its own and no sound card.
# PROGRAM names another build of the program; by default the development build is made here. SETTLE (3) is how many seconds
# a sound may take.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
folder=$(realpath -m "${1:-$root/docs}")
program=${PROGRAM:-${CARGO_TARGET_DIR:-$root/target}/debug/brownian-standalone}
if [ -z "${PROGRAM:-}" ]; then
  (cd "$root" && cargo build --package brownian-plugin --features standalone --bin brownian-standalone)
fi

width=1040 height=720 settle=${SETTLE:-3}
work=$(mktemp -d)
Xvfb -displayfd 3 -screen 0 ${width}x${height}x24 +extension GLX 3>"$work/display" 2>"$work/xvfb.log" &
xvfb=$!
app=
trap 'kill $app $xvfb 2>/dev/null; rm -rf "$work"' EXIT
until [ -s "$work/display" ]; do sleep 0.1; done
DISPLAY=:$(cat "$work/display")
export DISPLAY LIBGL_ALWAYS_SOFTWARE=1

"$program" --backend dummy >"$work/log" 2>&1 &
app=$!
window=$(timeout 60 xdotool search --sync --onlyvisible --name Brownian | head -1)
xdotool windowmove "$window" 0 0 windowfocus "$window" sleep 2

click() {
  xdotool mousemove "$1" "$2" sleep 0.2 mousedown 1 sleep 0.1 mouseup 1 sleep "${3:-0.5}"
}
drag() {
  xdotool mousemove "$1" "$2" sleep 0.2 mousedown 1 sleep 0.1
  for part in 1 2 3 4; do
    xdotool mousemove $(($1 + ($3 - $1) * part / 4)) $(($2 + ($4 - $2) * part / 4)) sleep 0.05
  done
  xdotool mouseup 1 sleep 0.3
}
shot() {
  xdotool mousemove 520 26 sleep 1.5
  import -window root "$work/shot.png"
  convert "$work/shot.png" -strip -colors 255 "$folder/$1"
}
seed() {
  click 440 366
  xdotool key ctrl+a type "$1"
  xdotool key Return sleep "$settle"
}

# One sound after others, the last of them varied: two steps each are enough for a picture. Then attributes, slots, an
# envelope, a filter.
click 931 370
xdotool key Home key Up sleep 0.3
for number in 2 9 4 21 13; do seed "$number"; done
click 789 74
click 309 366
click 182 331 "$settle"
click 309 399
drag 569 370 569 300
drag 629 370 629 340
click 440 525
click 440 407
drag 602 595 520 565
drag 65 552 70 590
drag 28 552 33 552
shot editor.png

# A kit.
click 234 28
click 80 402 $((16 * settle))
click 158 270
shot editor-kit.png
