// Text of other programs, whatever Unicode encoding they wrote it in.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace snapgauge {

/// The text behind a UTF-8 byte-order mark, which lines and columns do not count.
std::string_view without_byte_order_mark(std::string_view text);

/// The bytes of a text file as UTF-8, without a byte-order mark: UTF-16 of either byte order, known by
/// its mark, is converted into `storage`; all else is returned as it is, valid or not. What is no
/// character in UTF-16 (half of a surrogate pair, an odd last byte) becomes U+FFFD, one for each.
Result<std::string_view> unicode_text(std::string_view bytes, std::string& storage);

}  // namespace snapgauge
