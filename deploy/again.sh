#!/bin/bash
# Runs a sweep, and again where its driver was killed or lost its storage: a job that needs nobody at night.
#
#   ray job submit --submission-id fig1 --no-wait -- bash normsweep/deploy/again.sh --grid fig1
#
# What has ended for a reason stays ended: done, bad input, a limit of the run (--stop-after, --max-cost), `ray job
# stop`. Each time the run goes on from what is saved. Ten ends in a row, each within ten minutes, are no accident.
cd "$(dirname "$0")/.." || exit 2
stopped= short=0
trap 'stopped=1' TERM INT # the driver is told too, and ends by itself
while true; do
  begun=$SECONDS
  python -m orchestrator.run "$@"
  code=$?
  case $code in 0 | 2 | 3 | 130 | 143) exit $code ;; esac
  [ -z "$stopped" ] || exit $code
  if [ $((SECONDS - begun)) -lt 600 ]; then short=$((short + 1)); else short=0; fi
  [ $short -lt 10 ] || exit $code
  echo "again.sh: the run ended with code $code; it goes on in a moment" >&2
  sleep "${NORMSWEEP_AGAIN_SECONDS:-30}"
done
