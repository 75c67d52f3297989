// ONNX models as a row of the registry.
#pragma once

#include "formats/contract/format.h"

namespace snapgauge {

FileFormat onnx_format();

}  // namespace snapgauge
