"""What the kernel says of a process."""

import contextlib
import os
import pathlib
import re
import resource
import time


class Process:
    def __init__(self, pid):
        self.pid = pid

    def _status(self, key):
        with open(f"/proc/{self.pid}/status") as file:
            for line in file:
                if line.startswith(key + ":"):
                    return int(line.split()[1])
        raise KeyError(key)

    def state(self):
        """One letter. Source: proc(5), stat."""
        return pathlib.Path(f"/proc/{self.pid}/stat").read_text().rsplit(")", 1)[1].split()[0]

    def inherited(self):
        """The descriptors but for the standard streams that a program it starts would have, and what they are."""
        found = {}
        for entry in os.listdir(f"/proc/{self.pid}/fdinfo"):
            with contextlib.suppress(FileNotFoundError):  # closed meanwhile
                info = pathlib.Path(f"/proc/{self.pid}/fdinfo/{entry}").read_text()
                flags = int(re.search(r"^flags:\s+([0-7]+)", info, re.MULTILINE)[1], 8)
                if int(entry) > 2 and not flags & os.O_CLOEXEC:
                    found[int(entry)] = os.readlink(f"/proc/{self.pid}/fd/{entry}")
        return found

    def memory(self):
        """Resident, in KiB."""
        return self._status("VmRSS")

    def forget_peak(self):
        """Source: proc(5), clear_refs."""
        with open(f"/proc/{self.pid}/clear_refs", "w") as file:
            file.write("5")

    def peak(self):
        """The most that was resident since forget_peak(), in KiB."""
        return self._status("VmHWM")

    def threads(self):
        return self._status("Threads")

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def cpu_seconds(self):
        with open(f"/proc/{self.pid}/stat") as file:
            fields = file.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def cpu_share(self, seconds):
        """Of one core, for this many seconds."""
        before, since = self.cpu_seconds(), time.monotonic()
        time.sleep(seconds)
        return (self.cpu_seconds() - before) / (time.monotonic() - since)

    def limit_descriptors(self, soft):
        """@returns the limits that were in force."""
        _, hard = old = resource.prlimit(self.pid, resource.RLIMIT_NOFILE)
        resource.prlimit(self.pid, resource.RLIMIT_NOFILE, (soft, hard))
        return old

    def limit_memory(self, more_kib):
        """No more address space than there is now and so much more; None lifts that."""
        _, hard = resource.prlimit(self.pid, resource.RLIMIT_AS)
        soft = hard if more_kib is None else (self._status("VmSize") + more_kib) * 1024
        resource.prlimit(self.pid, resource.RLIMIT_AS, (soft, hard))


def unsent(port):
    """The bytes that this host's kernel keeps for the peers of the sockets with this local port, of any process.
    Source: proc(5), /proc/net/tcp: tx_queue; of a listening socket it is no bytes."""
    rows = [line.split() for line in pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return sum(int(row[4].split(":")[0], 16) for row in rows if int(row[1].split(":")[1], 16) == port and row[3] != "0A")
