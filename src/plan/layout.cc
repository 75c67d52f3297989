// Where buffers lie in the arena: in the order in which they are first written, each in the smallest gap that buffers
// alive at the same time leave.
#include <iterator>
#include <map>
#include <set>
#include <utility>

#include "plan/lives.h"

namespace snapgauge {
namespace {

/// Room in the arena: gaps by place, and by size. Neighbours are joined, so that none of them touch.
class Room {
 public:
  /// In the smallest gap that has it, the first of equal ones; else behind everything, where the arena grows.
  uint64_t take(uint64_t size) {
    if (const auto gap = by_size_.lower_bound({size, 0}); gap != by_size_.end()) {
      const auto [length, place] = *gap;
      remove(place, length);
      if (length > size) add(place + size, length - size);
      return place;
    }
    uint64_t place = end_;
    if (!by_place_.empty() && by_place_.rbegin()->first + by_place_.rbegin()->second == end_) {
      place = by_place_.rbegin()->first;
      remove(place, end_ - place);
    }
    end_ = place + size;
    return place;
  }

  void give_back(uint64_t place, uint64_t size) {
    if (size == 0) return;
    auto next = by_place_.lower_bound(place);
    if (next != by_place_.end() && next->first == place + size) {
      size += next->second;
      remove(next->first, next->second);
    }
    next = by_place_.lower_bound(place);
    if (next != by_place_.begin())
      if (const auto before = std::prev(next); before->first + before->second == place) {
        place = before->first;
        size += before->second;
        remove(before->first, before->second);
      }
    add(place, size);
  }

  uint64_t end() const { return end_; }

 private:
  void add(uint64_t place, uint64_t size) {
    by_place_.emplace(place, size);
    by_size_.emplace(size, place);
  }
  void remove(uint64_t place, uint64_t size) {
    by_place_.erase(place);
    by_size_.erase({size, place});
  }

  std::map<uint64_t, uint64_t> by_place_;
  std::set<std::pair<uint64_t, uint64_t>> by_size_;
  uint64_t end_ = 0;
};

}  // namespace

std::vector<Life> lives_of(const Plan& plan) {
  std::vector<Life> lives(plan.buffers.size());
  for (uint32_t b = 0; b < lives.size(); ++b) lives[b].buffer = b;
  const auto touch = [&](BufferId id, size_t step) {
    if (id.valid()) lives[plan.owner(id).index].at(step);
  };
  for (const BufferId id : plan.inputs) touch(id, 0);
  for (size_t s = 0; s < plan.steps.size(); ++s) {
    for (const BufferId id : plan.steps[s].inputs) touch(id, s);
    touch(plan.steps[s].output, s);
  }
  for (const BufferId id : plan.outputs) touch(id, plan.steps.size());
  std::erase_if(lives, [&](const Life& life) {
    return life.first == SIZE_MAX || plan.buffers[life.buffer].role == BufferRole::kConstant;
  });
  std::stable_sort(lives.begin(), lives.end(), [](const Life& a, const Life& b) { return a.first < b.first; });
  return lives;
}

void lay_out(Plan& plan) {
  Room room;
  ByEnd alive;
  for (const Life& life : lives_of(plan)) {
    for (; !alive.empty() && alive.top().last < life.first; alive.pop()) {
      const Buffer& dead = plan.buffers[alive.top().buffer];
      room.give_back(dead.offset, aligned(dead.bytes()));
    }
    Buffer& buffer = plan.buffers[life.buffer];
    buffer.offset = room.take(aligned(buffer.bytes()));
    alive.push(life);
  }
  plan.arena_bytes = room.end();
  for (uint32_t b = 0; b < plan.buffers.size(); ++b)
    plan.buffers[b].offset = plan.buffer(plan.owner(BufferId{b})).offset;
}

}  // namespace snapgauge
