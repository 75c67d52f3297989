// What the process owes its surroundings before it does anything.
#pragma once

namespace snapgauge::cli {

/// - Closed standard streams stay closed to us: no file that is opened later gets their numbers.
/// - A reader that goes away, or a limit on the size of files, is an error of writing and not the end.
/// - A large file, which is mapped, may be cut off while it is read: one error, exit code 2.
void settle_process();

}  // namespace snapgauge::cli
