// The expression language of the tables: a recursive-descent parser with a depth limit.
#include <cctype>
#include <charconv>

#include "opinfo/predicate.h"

namespace snapgauge {
namespace {

constexpr int kMaxDepth = 32;
// A chain of terms is as deep as it is long, and evaluating it takes a call each.
constexpr size_t kMostNodes = 512;

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  std::optional<Expr> run() {
    expr_.text = std::string(text_);
    const auto root = sum(0);
    if (!root || position() != text_.size()) return std::nullopt;
    root_to_front(*root);
    return std::move(expr_);
  }

 private:
  using Op = Expr::Op;
  using Maybe = std::optional<uint32_t>;

  size_t position() {
    while (at_ < text_.size() && std::isspace(static_cast<unsigned char>(text_[at_])) != 0) ++at_;
    return at_;
  }
  char peek() { return position() < text_.size() ? text_[at_] : '\0'; }
  bool take(char c) {
    if (peek() != c) return false;
    ++at_;
    return true;
  }

  uint32_t add(Op op, std::vector<uint32_t> children = {}) {
    Expr::Node node;
    node.op = op;
    node.children = std::move(children);
    expr_.nodes.push_back(std::move(node));
    return static_cast<uint32_t>(expr_.nodes.size() - 1);
  }

  /// Users expect node 0 to be the root.
  void root_to_front(uint32_t root) {
    if (root == 0) return;
    std::swap(expr_.nodes[0], expr_.nodes[root]);
    auto renamed = [&](uint32_t i) { return i == 0 ? root : i == root ? 0 : i; };
    for (Expr::Node& node : expr_.nodes) {
      for (uint32_t& child : node.children) child = renamed(child);
      if (node.port_index) node.port_index = renamed(*node.port_index);
    }
  }

  Maybe sum(int depth) {
    if (depth > kMaxDepth) return std::nullopt;
    Maybe left = product(depth + 1);
    while (left && (peek() == '+' || peek() == '-')) {
      const Op op = text_[at_++] == '+' ? Op::kAdd : Op::kSub;
      const Maybe right = product(depth + 1);
      if (!right) return std::nullopt;
      left = add(op, {*left, *right});
    }
    return left;
  }

  Maybe product(int depth) {
    Maybe left = factor(depth + 1);
    while (left && (peek() == '*' || peek() == '/' || peek() == '%')) {
      const char c = text_[at_++];
      const Maybe right = factor(depth + 1);
      if (!right) return std::nullopt;
      left = add(c == '*' ? Op::kMul : c == '/' ? Op::kDiv : Op::kMod, {*left, *right});
    }
    return left;
  }

  Maybe factor(int depth) {
    if (depth > kMaxDepth || expr_.nodes.size() > kMostNodes) return std::nullopt;
    if (take('-')) {
      const Maybe inner = factor(depth + 1);
      return inner ? Maybe(add(Op::kNeg, {*inner})) : std::nullopt;
    }
    if (take('(')) {
      const Maybe inner = sum(depth + 1);
      return inner && take(')') ? inner : std::nullopt;
    }
    if (std::isdigit(static_cast<unsigned char>(peek())) != 0) return number();
    if (std::isalpha(static_cast<unsigned char>(peek())) != 0 || peek() == '_') return named(depth + 1);
    return std::nullopt;
  }

  Maybe number() {
    double value = 0;
    const auto [end, error] = std::from_chars(text_.data() + at_, text_.data() + text_.size(), value);
    if (error != std::errc()) return std::nullopt;
    at_ = static_cast<size_t>(end - text_.data());
    const uint32_t node = add(Op::kNumber);
    expr_.nodes[node].number = value;
    return node;
  }

  std::string word() {
    const size_t start = position();
    while (at_ < text_.size() && (std::isalnum(static_cast<unsigned char>(text_[at_])) != 0 || text_[at_] == '_'))
      ++at_;
    return std::string(text_.substr(start, at_ - start));
  }

  Maybe named(int depth) {
    const std::string name = word();
    if (peek() == '(') return call(name, depth);
    if (peek() == '[') {
      ++at_;
      const Maybe index = sum(depth + 1);
      if (!index || !take(']')) return std::nullopt;
      const uint32_t node = add(Op::kIndex, {*index});
      expr_.nodes[node].name = name;
      return node;
    }
    const uint32_t node = add(Op::kName);
    expr_.nodes[node].name = name;
    return node;
  }

  /// A port or parameter as a function's first argument: in[0], out[2..4], in[i+5], axes.
  bool port(uint32_t node, int depth) {
    const std::string name = word();
    if (name.empty()) return false;
    if ((name != "in" && name != "out") || peek() != '[') {
      expr_.nodes[node].port = parse_port(name);
      return true;
    }
    const size_t open = at_;
    const size_t close = text_.find(']', open);
    if (close == std::string_view::npos) return false;
    const std::string_view inside = text_.substr(open + 1, close - open - 1);
    const bool literal = inside.find_first_not_of("0123456789.m") == std::string_view::npos;
    if (literal) {
      expr_.nodes[node].port = parse_port(name + std::string(text_.substr(open, close + 1 - open)));
      at_ = close + 1;
      return true;
    }
    ++at_;
    const Maybe index = sum(depth + 1);
    if (!index || !take(']')) return false;
    expr_.nodes[node].port = parse_port(name + "[0]");
    expr_.nodes[node].port_index = *index;
    return true;
  }

  Maybe call(const std::string& name, int depth) {
    struct Function {
      std::string_view name;
      Op op;
      bool takes_port;
      size_t least, most;  // arguments behind the port
    };
    constexpr size_t kAny = SIZE_MAX;
    static constexpr Function kFunctions[] = {
        {"rank", Op::kRank, true, 0, 0},    {"dim", Op::kDim, true, 1, 1},         {"size", Op::kSize, true, 0, 0},
        {"count", Op::kCount, true, 0, 0},  {"present", Op::kPresent, true, 0, 0}, {"min", Op::kMin, false, 1, kAny},
        {"max", Op::kMax, false, 1, kAny},  {"floor", Op::kFloor, false, 1, 1},    {"if", Op::kIf, false, 3, 3},
        {"sum", Op::kSumOver, false, 2, 2}, {"prod", Op::kProdOver, false, 2, 2}};
    for (const Function& f : kFunctions) {
      if (f.name != name) continue;
      ++at_;  // the parenthesis
      const uint32_t node = add(f.op);
      if (f.takes_port && !port(node, depth)) return std::nullopt;
      bool first = !f.takes_port;
      while (!take(')')) {
        if (!first && !take(',')) return std::nullopt;
        first = false;
        const Maybe argument = sum(depth + 1);
        if (!argument) return std::nullopt;
        expr_.nodes[node].children.push_back(*argument);
      }
      const size_t given = expr_.nodes[node].children.size();
      return given >= f.least && given <= f.most ? Maybe(node) : std::nullopt;
    }
    return std::nullopt;
  }

  std::string_view text_;
  size_t at_ = 0;
  Expr expr_;
};

}  // namespace

std::optional<Expr> parse_expression(std::string_view text) { return Parser(text).run(); }

}  // namespace snapgauge
