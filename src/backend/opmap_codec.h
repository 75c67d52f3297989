// A row of an op map as bytes.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>

#include "backend/opmap.h"

namespace snapgauge {

std::string encoded_mapping(const OpMapping& mapping);
/// Null for bytes that are none.
std::unique_ptr<OpMapping> decoded_mapping(std::span<const std::byte> bytes);

}  // namespace snapgauge
