#pragma once

/// From the next SIGUSR2 to the one after it, one operator new in N fails. Each is confirmed by a line on
/// standard error.
void fail_on_signal(unsigned rate);
