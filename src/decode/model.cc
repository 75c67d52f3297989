#include "decode/model.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <set>

#include "base/text.h"

namespace snapgauge {
namespace {

/// Letters and digits in lower case, everything else as '_': what survives any mangling.
std::string plain(std::string_view name) {
  std::string text(name);
  for (char& c : text) {
    const auto byte = static_cast<unsigned char>(c);
    c = std::isalnum(byte) != 0 ? static_cast<char>(std::tolower(byte)) : '_';
  }
  return text;
}

std::string without_number(std::string text) {
  const size_t end = text.find_last_not_of("0123456789");
  if (end != std::string::npos && end + 1 < text.size() && text[end] == '_') text.resize(end);
  return text;
}

bool has_rule(const ModelNode& node, std::span<const RuleCode> rules) {
  return std::any_of(node.findings.begin(), node.findings.end(), [&](const Finding& f) {
    return f.level != Level::kNote && std::find(rules.begin(), rules.end(), f.code) != rules.end();
  });
}

size_t count(const CheckedModel& model, NodeVerdict verdict) {
  return static_cast<size_t>(
      std::count_if(model.nodes.begin(), model.nodes.end(), [&](const ModelNode& n) { return n.verdict == verdict; }));
}

}  // namespace

std::string_view found_by_name(FoundBy how) {
  switch (how) {
    case FoundBy::kName: return "name";
    case FoundBy::kOp: return "op";
    case FoundBy::kRule: return "rule";
    case FoundBy::kNothing: break;
  }
  return "nothing";
}

Result<std::unique_ptr<ModelIndex>> ModelIndex::create(const CheckedModel& model) {
  std::unique_ptr<ModelIndex> index(new ModelIndex(model));
  for (const NameStep& step : name_steps()) {
    auto& compiled = index->steps_.emplace_back(std::make_unique<RE2>(std::string(step.pattern), RE2::Latin1));
    std::string why;
    if (!compiled->ok() || !compiled->CheckRewriteString(std::string(step.replacement), &why))
      return Error{ErrorCode::kInternal, std::string(step.pattern), "name pattern: " + compiled->error() + why};
  }
  for (size_t i = 0; i < model.nodes.size(); ++i) {
    index->ops_.emplace_back(index->spellings(model.nodes[i].op).back(), plain(model.nodes[i].backend_op));
    // The first step strips what stands at the ends; the others would make different nodes alike.
    const std::vector<std::string> all = index->spellings(model.nodes[i].name);
    for (size_t k = 0; k < std::min<size_t>(all.size(), 2); ++k) {
      std::vector<size_t>& places = index->names_[all[k]];
      if (places.empty() || places.back() != i) places.push_back(i);
    }
  }
  return index;
}

std::vector<std::string> ModelIndex::spellings(std::string_view name) const {
  std::vector<std::string> all{plain(name)};
  for (size_t i = 0; i < steps_.size(); ++i) {
    const NameStep& step = name_steps()[i];
    const re2::StringPiece replacement(step.replacement.data(), step.replacement.size());
    std::vector<re2::StringPiece> groups(static_cast<size_t>(steps_[i]->NumberOfCapturingGroups()) + 1);
    const std::string& last = all.back();
    std::string next;
    if (steps_[i]->Match(last, 0, last.size(), RE2::ANCHOR_BOTH, groups.data(), static_cast<int>(groups.size())) &&
        steps_[i]->Rewrite(&next, replacement, groups.data(), static_cast<int>(groups.size())) && next != last)
      all.push_back(std::move(next));
  }
  return all;
}

std::set<std::string> ModelIndex::ops_of(const DecodedMessage& message) const {
  if (!message.op.empty()) return {spellings(message.op).back()};
  std::set<std::string> ops;  // ExecuTorch names its nodes by their op
  for (const std::string& name : message.nodes) ops.insert(without_number(spellings(name).back()));
  return ops;
}

void ModelIndex::by_name(const DecodedMessage& message, Explanation& into) const {
  std::set<size_t> found;
  for (const std::string& name : message.nodes) {
    for (const std::string& spelling : spellings(name)) {
      const auto it = names_.find(spelling);
      if (it == names_.end()) continue;
      found.insert(it->second.begin(), it->second.end());
      break;
    }
  }
  for (const size_t index : found) into.nodes.push_back(&model_.nodes[index]);
  if (found.empty()) return;
  into.by = FoundBy::kName;
  const bool faulty = std::any_of(into.nodes.begin(), into.nodes.end(),
                                  [](const ModelNode* n) { return n->verdict == NodeVerdict::kRejected; });
  if (!faulty)
    into.sentence = "not rejected for this target: the log is of another target or another version of the model";
}

void ModelIndex::by_findings(const DecodedMessage& message, Explanation& into) const {
  std::vector<const ModelNode*> of_op, of_op_and_rule, of_rule;
  const std::set<std::string> ops = ops_of(message);
  for (size_t i = 0; i < model_.nodes.size(); ++i) {
    const ModelNode& node = model_.nodes[i];
    if (node.verdict != NodeVerdict::kRejected) continue;
    const bool op = ops.contains(ops_[i].first) || ops.contains(ops_[i].second);
    const bool rule = has_rule(node, message.message->rules);
    if (op) of_op.push_back(&node);
    if (op && rule) of_op_and_rule.push_back(&node);
    if (rule) of_rule.push_back(&node);
  }
  into.nodes = !of_op_and_rule.empty() ? of_op_and_rule : !of_op.empty() ? of_op : of_rule;
  if (!into.nodes.empty()) into.by = of_op.empty() ? FoundBy::kRule : FoundBy::kOp;
  if (into.by == FoundBy::kRule && !ops.empty())
    into.sentence = "no node by the log's name or op is rejected; these have a fault of the same kind";
}

std::string ModelIndex::without_nodes(const DecodedMessage& message) const {
  const size_t rejected = count(model_, NodeVerdict::kRejected);
  const size_t unknown = count(model_, NodeVerdict::kUnknown);
  if (model_.verdict == FileVerdict::kAccepted) return std::string(all_topics()[message.message->topic].fits);
  if (rejected == 0 && unknown > 0)
    return fmt::format("no node is rejected, but {} of {} could not be judged", unknown, model_.nodes.size());
  if (message.message->rules.empty())
    return fmt::format("the message is not about a node; {} of {} are rejected all the same", rejected,
                       model_.nodes.size());
  return fmt::format("none of the {} rejected nodes answers to this message", rejected);
}

Explanation ModelIndex::explain(const DecodedMessage& message) const {
  Explanation explanation;
  by_name(message, explanation);
  if (explanation.by == FoundBy::kNothing && !message.message->rules.empty()) by_findings(message, explanation);
  if (explanation.by == FoundBy::kNothing) explanation.sentence = without_nodes(message);
  return explanation;
}

}  // namespace snapgauge
