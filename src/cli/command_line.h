// The command line as a function.
#pragma once

namespace snapgauge::cli {

/// What `argv` says (its first word is the program's name), with results on the standard streams; the exit code:
/// 0 accepted or done, 1 rejected, 2 not done. Throws nothing.
int run(int argc, const char* const* argv);

}  // namespace snapgauge::cli
