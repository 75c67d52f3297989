// Within backend: from a value as the frontend states it to the vendor's form of it.
#pragma once

#include <string>

#include "backend/param_source.h"

namespace snapgauge {

/// Of the first input, as the file has it; -1: unknown.
int frontend_rank(const FrontendOperation& operation);

/// False when the operation's shapes do not tell, or the numbers are none that the form can have.
bool transform(const FrontendOperation& operation, ParamSource::Transform kind, ParamValue& v);

/// Padding that the frontend states by a word: nothing (VALID), or as much as keeps the size (SAME).
ParamValue counted_pads(const FrontendOperation& operation, const ParamSource& source, ParamValue stated);

/// Letters renamed in the order in which they appear, so that equal contractions read the same: "bij,bjk->bik"
/// is "abc,acd->abd". Without an arrow the result has the letters that appear once, sorted. "other" for what is
/// no list of letters ("...").
std::string canonical_equation(std::string text);

}  // namespace snapgauge
