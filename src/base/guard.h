// Where exceptions end. Our code returns Result<T>; the standard library and others throw where memory is short, and a
// defect may. One file is lost then, not the batch, and nothing crosses a public interface.
#pragma once

#include <exception>
#include <new>
#include <string>

#include "base/result.h"

namespace snapgauge {

/// What `work` returns, a Result<T>, or the error that says what it threw.
template <class Work>
auto guarded(const std::string& subject, Work work) -> decltype(work()) {
  try {
    return work();
  } catch (const std::bad_alloc&) {
    return Error{ErrorCode::kLimit, subject, "not enough memory"};
  } catch (const std::exception& e) {
    return Error{ErrorCode::kInternal, subject, std::string("internal error: ") + e.what()};
  }
}

}  // namespace snapgauge
