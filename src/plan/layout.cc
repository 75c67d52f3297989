// Where buffers lie in the arena: in the order in which they are first written, each at the lowest place that no buffer
// alive at the same time has.
#include "plan/lives.h"

namespace snapgauge {
namespace {

struct Placed {
  uint64_t begin, end;
  size_t last;
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
  plan.arena_bytes = 0;
  std::vector<Placed> alive;  // by place
  for (const Life& life : lives_of(plan)) {
    std::erase_if(alive, [&](const Placed& p) { return p.last < life.first; });
    Buffer& buffer = plan.buffers[life.buffer];
    const uint64_t size = aligned(buffer.bytes());
    uint64_t place = 0;
    auto it = alive.begin();
    for (; it != alive.end() && it->begin < place + size; ++it) place = std::max(place, it->end);
    alive.insert(it, {place, place + size, life.last});
    buffer.offset = place;
    plan.arena_bytes = std::max(plan.arena_bytes, place + size);
  }
  for (uint32_t b = 0; b < plan.buffers.size(); ++b)
    plan.buffers[b].offset = plan.buffer(plan.owner(BufferId{b})).offset;
}

}  // namespace snapgauge
