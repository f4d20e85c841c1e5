#!/usr/bin/env bash
# fetch-audio-data.sh DIR [ambient]: download the freely licensed sounds that the shipped models are trained on.
#
# Takes five Debian packages (about 360 MB) and lays out as DIR, for `brownian data prepare DIR --out SET`:
#   drums/sonic-pi                      CC0-1.0    sonic-pi-samples
#   drums/hydrogen/Audiophob            CC0-1.0    hydrogen-drumkits
#   drums/hydrogen/rumpf_kit_z01_h2     CC-BY-3.0  hydrogen-drumkits
#   drums/exadrums                      BSD-3-Clause  exadrums
#   instruments/fluidr3                 MIT        fluid-soundfont-gm
#   instruments/musescore               MIT, parts CC0-1.0 and public domain  musescore-general-soundfont
# With `ambient` instead five others (2.3 GB, for a moment 6 GB on the disk; 53 MB stay), for `--recipe ambient`:
#   ambient/0ad                         CC-BY-SA-3.0  0ad-data
#   ambient/megaglest                   CC-BY-SA-3.0  megaglest-data
#   ambient/sonic-pi                    CC0-1.0    sonic-pi-samples
#   ambient/supertuxkart                CC0-1.0    supertuxkart-data
#   ambient/ufoai                       CC-BY-SA-3.0, one CC-BY-3.0  ufoai-sound
# A collection that is there already is not downloaded again. Needs Debian or Ubuntu with a fresh `apt-get update`,
# and dpkg-deb. Preparing the drums and notes needs the program fluidsynth; `ambient` needs unzip.
set -euo pipefail
shopt -s inherit_errexit
[ $# -eq 1 ] || { [ $# -eq 2 ] && [ "$2" = ambient ]; } || { sed -n '2,20s/^# \{0,1\}//p' "$0" >&2; exit 2; }
mkdir -p "$1"
target=$(cd "$1" && pwd)
work=$(mktemp -d "$target/.fetch.XXXXXX")
trap 'rm -rf "$work"' EXIT

# unpack PACKAGE: download it and print the folder with its contents.
unpack() {
  local folder="$work/$1"
  mkdir -p "$folder"
  echo "downloading $1" >&2
  (cd "$work" && apt-get -qq -o APT::Sandbox::User=root download "$1" >&2)
  dpkg-deb -x "$work/$1"_*.deb "$folder"
  printf '%s\n' "$folder"
}

# place PACKAGE CONTENTS DIR FILE...: put FILEs and the package's copyright notice into DIR, all or nothing.
place() {
  local package=$1 contents=$2 folder=$3
  shift 3
  mkdir -p "$work/new" "$(dirname "$target/$folder")"
  cp -r "$@" "$work/new/"
  find "$contents/usr/share/doc/$package/" -name 'copyright*' -exec cp {} "$work/new/" \;
  mv "$work/new" "$target/$folder"
}

if [ "${2:-}" = ambient ]; then
  if [ ! -d "$target/ambient/sonic-pi" ]; then
    contents=$(unpack sonic-pi-samples)
    samples=$contents/usr/share/sonic-pi/samples
    place sonic-pi-samples "$contents" ambient/sonic-pi "$samples"/ambi_*.flac "$samples/README.md"
  fi
  if [ ! -d "$target/ambient/0ad" ]; then
    command -v unzip > /dev/null || { echo "unzip is missing; apt-get install unzip" >&2; exit 1; }
    contents=$(unpack 0ad-data)
    zip=$contents/usr/share/games/0ad/mods/public/public.zip
    unzip -q -j "$zip" 'audio/ambient/*.ogg' 'audio/attack/fire/*.ogg' audio/LICENSE.txt -d "$work/0ad"
    place 0ad-data "$contents" ambient/0ad "$work/0ad"/*
  fi
  if [ ! -d "$target/ambient/megaglest" ]; then
    contents=$(unpack megaglest-data)
    tiles=$contents/usr/share/games/megaglest/tilesets
    mkdir "$work/megaglest"
    # One of each recording: most tilesets share theirs with another.
    for sound in autumn/rain birch_forest/{day,night,rain} dark_forest/{day,night} desert2/night fernland/{day,night} \
      mediterran/night spring/day winter/wind; do
      cp "$tiles/${sound%/*}/sounds/${sound#*/}.ogg" "$work/megaglest/${sound/\//_}.ogg"
    done
    place megaglest-data "$contents" ambient/megaglest "$work/megaglest"/*
  fi
  if [ ! -d "$target/ambient/supertuxkart" ]; then
    contents=$(unpack supertuxkart-data)
    sounds=$contents/usr/share/games/supertuxkart/data/sfx
    place supertuxkart-data "$contents" ambient/supertuxkart "$sounds"/{exotic-birds,exotic-birds_2,river_loop}.ogg \
      "$sounds"/{waterfall_loop_2,lenautile_restaurant}.ogg
  fi
  if [ ! -d "$target/ambient/ufoai" ]; then
    command -v unzip > /dev/null || { echo "unzip is missing; apt-get install unzip" >&2; exit 1; }
    contents=$(unpack ufoai-sound)
    # Of this folder the files under a licence that may be adapted, of those the steady ones.
    names=(alien-{device,generator,ventilation} alien_engine alienenergy1 alienmachinery{2,3,5} alienpowermachinery1
      alienwormhole arcticwind engine_alien_{big,medium,small} fire minepump03 smallfire water01 waterfontain wind_turbine)
    names=("${names[@]/#/sound/ambience/}")
    unzip -q -j "$contents/usr/share/games/ufoai/base/0snd.pk3" "${names[@]/%/.ogg}" -d "$work/ufoai"
    place ufoai-sound "$contents" ambient/ufoai "$work/ufoai"/*
  fi
  echo "next: brownian data prepare $1 --recipe ambient --out SET" >&2
  exit
fi

if [ ! -d "$target/drums/sonic-pi" ]; then
  contents=$(unpack sonic-pi-samples)
  samples=$contents/usr/share/sonic-pi/samples
  place sonic-pi-samples "$contents" drums/sonic-pi "$samples"/{bd,drum,sn,elec,perc,tabla,glitch}_*.flac "$samples/README.md"
fi

for kit in Audiophob rumpf_kit_z01_h2; do
  [ -d "$target/drums/hydrogen/$kit" ] && continue
  [ -d "$work/hydrogen-drumkits" ] || unpack hydrogen-drumkits > "$work/contents"
  contents=$(cat "$work/contents")
  place hydrogen-drumkits "$contents" "drums/hydrogen/$kit" "$contents/usr/share/hydrogen/data/drumkits/$kit"/*
done

if [ ! -d "$target/drums/exadrums" ]; then
  contents=$(unpack exadrums)
  place exadrums "$contents" drums/exadrums "$contents"/usr/share/exadrums/*.wav
fi

# font DIR PACKAGE
font() {
  [ -d "$target/$1" ] && return
  local contents
  contents=$(unpack "$2")
  mapfile -t fonts < <(find "$contents/usr/share/sounds" -type f \( -name '*.sf2' -o -name '*.sf3' \))
  place "$2" "$contents" "$1" "${fonts[@]}"
}
font instruments/fluidr3 fluid-soundfont-gm
font instruments/musescore musescore-general-soundfont

echo "next: brownian data prepare $1 --out SET" >&2
