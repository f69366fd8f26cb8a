import { HARDENING_ARGUMENTS } from "./hardening.ts";

/**
 * Shell for dom0: starts a command as a unit in a run's folder, unless it is running; nothing of it hangs on this
 * connection. Arguments: folder, unit, and those of the command.
 *
 * @param prefix of its files there: `log` has what it says, `status` how it ended (systemd.exec(5): EXIT_CODE, EXIT_STATUS)
 */
export const startUnit = (prefix: string, command: string): string => `
folder=$1 unit=$2
shift 2
cd "$folder"
state=$(systemctl show -p ActiveState --value "$unit")
[ "$state" != active ] && [ "$state" != activating ] || exit 0
rm -f ${prefix}status
systemctl reset-failed "$unit" 2>/dev/null || :
systemd-run --quiet --unit="$unit" -p WorkingDirectory="$folder" \\
  -p StandardOutput="append:$folder/${prefix}log" -p StandardError="append:$folder/${prefix}log" \\
  -p ReadWritePaths="$folder" ${HARDENING_ARGUMENTS} \\
  -p 'ExecStopPost=/bin/sh -c "echo $EXIT_CODE $EXIT_STATUS >${prefix}status.new; mv ${prefix}status.new ${prefix}status"' ${command}`;
