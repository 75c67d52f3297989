// Writing files so that nothing is lost: a reader sees the old file or the new one, another writer of this program
// waits, and whatever is not an ordinary file of the user's is left alone.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"

namespace snapgauge {

/// Whether two paths lead to one file; false where either leads to none.
bool is_same_file(const std::string& a, const std::string& b);

/// The content that a file gets, given what it has; nothing: there is no file yet.
using Rewrite = std::function<Result<std::string>(std::optional<std::string_view> now)>;

/// Reads, asks and writes while writers of the same folder wait. The content is written beside the file and renamed
/// into place. Links are followed and stay. An existing file keeps its mode and owner; a new one gets the mode of
/// `like`, writable for its owner, or of any new file, less the umask. Refused, with the reason: what is no regular
/// file, what is read-only, has other names or belongs to somebody else, and what another program changed in between.
///
/// SIGINT, SIGTERM and SIGHUP wait until the temporary is gone. One that a killed process left is removed by the next
/// writer in its folder.
Status rewrite_file(const std::string& path, const Rewrite& next, const std::string& like = {});

/// The same without looking at what is there. To a device or a pipe that exists the content goes as it is.
Status write_file(const std::string& path, std::string_view content, const std::string& like = {});
/// Pieces one behind the other.
Status write_file(const std::string& path, std::span<const std::string_view> pieces, const std::string& like = {});

/// At the end of a file, which need not exist.
Status append_to_file(const std::string& path, std::string_view content);

}  // namespace snapgauge
