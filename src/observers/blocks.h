// Within observers: a tensor cut into blocks, as rows of its last dimension.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace snapgauge {

/// A dimension, and how many of its neighbours are taken together.
struct BlockedDim {
  uint64_t size = 1, block = 1;
};

class BlockRows {
 public:
  /// Blocks divide their dimensions.
  BlockRows(std::span<const int64_t> dims, std::span<const int64_t> block);

  const BlockedDim& last() const { return dims_.back(); }
  uint64_t blocks() const;
  /// Calls `use(row, index)` for each row, in order: where it begins, and the index of the block that it begins in.
  template <class Use>
  void each(size_t elements, Use use) const {
    const uint64_t in_row = last().size / last().block;
    std::vector<uint64_t> at(dims_.size() - 1);
    for (size_t row = 0; row < elements; row += last().size) {
      uint64_t index = 0;
      for (size_t d = 0; d < at.size(); ++d) index = index * (dims_[d].size / dims_[d].block) + at[d] / dims_[d].block;
      use(row, index * in_row);
      for (size_t d = at.size(); d-- > 0;) {
        if (++at[d] < dims_[d].size) break;
        at[d] = 0;
      }
    }
  }

 private:
  std::vector<BlockedDim> dims_;  // neighbours that are taken together whole, or not at all, are one
};

}  // namespace snapgauge
