// Annotated graphs in JSON as a row of the registry.
#pragma once

#include "formats/contract/format.h"

namespace snapgauge {

FileFormat sgraph_format();

}  // namespace snapgauge
