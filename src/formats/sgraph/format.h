// Annotated graphs in JSON as a row of the registry.
#pragma once

#include "formats/contract/format.h"

namespace snapgauge {

Format annotated_format();

}  // namespace snapgauge
