//===- Programs.cpp - Those of elementwise ops, and what all share --------------===//

#include "Programs.h"

#include "passes/diff/OpDerivatives.h"

#include <map>

using namespace mlir;

namespace gradus::matrix {

llvm::StringMap<int64_t> getSizes() { return {{"n", 3}, {"c", 2}, {"k", 2}}; }

std::string typeOf(const std::string &dims) { return "!gradus.array<" + dims + ", f64>"; }

std::string expandTypes(const std::string &text) {
  std::string result;
  for (size_t at = 0; at < text.size(); ++at) {
    if (text[at] != '$') {
      result += text[at];
      continue;
    }
    std::string element = text[at + 1] == 'i' ? "i64" : text[at + 1] == 'b' ? "i1" : "f64";
    size_t open = text.find('[', at), close = text.find(']', open);
    result += "!gradus.array<" + text.substr(open, close + 1 - open) + ", " + element + ">";
    at = close;
  }
  return result;
}

void PrintTo(const Program &program, std::ostream *os) { *os << program.name; }
void PrintTo(const Refused &refused, std::ostream *os) { *os << refused.op; }

namespace {

/// What is special about the operands of an elementwise op, by name.
struct Operands {
  std::vector<Domain> domains;
  std::vector<Elements> boundary;
  unsigned order = 2;
  std::vector<Elements> infinite = {};
};

constexpr double inf = std::numeric_limits<double>::infinity();

/// The others take anything and have no kink.
const std::map<std::string, Operands> &getOperands() {
  static const std::map<std::string, Operands> operands{
      {"abs", {{Domain::Anything}, {{{0, -0.0, 1}}}}},
      {"acos", {{Domain::Unit}, {}, 2, {{{1, -1, 0.5}}}}},
      {"acosh", {{Domain::AboveOne}, {}, 2, {{{1, 2, 1}}}}},
      {"asin", {{Domain::Unit}, {}, 2, {{{1, -1, 0.5}}}}},
      {"atan2", {{Domain::Anything, Domain::Anything}, {{{0, 0, 1}, {1, -1, 0}}}}},
      {"atanh", {{Domain::Unit}, {}, 2, {{{1, -1, 0.5}}}}},
      {"cbrt", {{Domain::Anything}, {}, 2, {{{0, -0.0, 1}}}}},
      {"digamma", {{Domain::Positive}, {}, 1}},
      {"div", {{Domain::Anything, Domain::Anything}, {{{0, 1, -1}, {2, 1, 4}}}}},
      {"exp", {{Domain::Anything}, {{{0, -700, -inf}}}}},
      {"hypot", {{Domain::Anything, Domain::Anything}, {{{0, 0, 1}, {2, -1, 0}}}}},
      {"lambert_w", {{Domain::Positive}, {{{0, 1, -0.3}}}}},
      {"lgamma", {{Domain::Positive}, {}, 2}},
      {"log", {{Domain::Positive}, {}, 2, {{{0, 1, 2}}}}},
      {"log10", {{Domain::Positive}, {}, 2, {{{0, 1, 2}}}}},
      {"log1p", {{Domain::Positive}, {{{0, 1e-20, -0.5}}}, 2, {{{-1, 0, 1}}}}},
      {"log2", {{Domain::Positive}, {}, 2, {{{0, 1, 2}}}}},
      {"max", {{Domain::Anything, Domain::Anything}, {{{0, 1, -2}, {0, 1, -2}}}}},
      {"min", {{Domain::Anything, Domain::Anything}, {{{0, 1, -2}, {0, 1, -2}}}}},
      {"mod", {{Domain::Anything, Domain::Positive}, {}}},
      {"normal_quantile", {{Domain::Between}, {{{0.5, 0.25, 0.999}}}, 2, {{{0, 1, 0.5}}}}},
      {"pow", {{Domain::Positive, Domain::Anything}, {{{2, 3, 1}, {0, 1, 0}}}}},
      {"sigmoid", {{Domain::Anything}, {{{0, 40, -745}}}}},
      {"softplus", {{Domain::Anything}, {{{0, 40, -745}}}}},
      {"sqrt", {{Domain::Positive}, {}, 2, {{{0, 1, 4}}}}},
      {"tanh", {{Domain::Anything}, {{{0, 25, -25}}}}},
  };
  return operands;
}

void addOne(std::vector<Program> &programs, const std::string &op, unsigned count) {
  auto known = getOperands().find(op);
  Operands operands = known == getOperands().end() ? Operands{} : known->second;
  operands.domains.resize(count, Domain::Anything);
  static const char *const names[] = {"a", "b"};
  Program program{op, {}, {"[n]"}, "%y = gradus." + op + " " + (count == 1 ? "%a" : "%a, %b") + " : $[n]", operands.boundary, operands.order};
  program.infinite = operands.infinite;
  for (unsigned k = 0; k < count; ++k)
    program.inputs.push_back({names[k], "[n]", operands.domains[k]});
  programs.push_back(program);
}

/// Of an op with one or two operands of one type; select has a program of its own.
template <typename Op>
void addRow(std::vector<Program> &programs) {
  if constexpr (DerivativeOf<Op>::kind == DerivativeKind::Row) {
    if constexpr (Op::template hasTrait<OpTrait::OneOperand>())
      addOne(programs, Op::getOperationName().drop_front(7).str(), 1);
    else if constexpr (Op::template hasTrait<OpTrait::NOperands<2>::Impl>())
      addOne(programs, Op::getOperationName().drop_front(7).str(), 2);
  }
}

} // namespace

void addElementwise(std::vector<Program> &programs) {
#define GRADUS_DERIVATIVE(OP, KIND) addRow<OP>(programs);
#include "passes/diff/OpDerivatives.def"
  programs.push_back({"select",
                      {{"a", "[n]"}, {"b", "[n]"}},
                      {"[n]"},
                      "%c = gradus.compare lt %a, %b : $[n] -> $b[n]\n%y = gradus.select %c, %a, %b : $b[n], $[n]",
                      {{{0, 1, 2}, {0, 2, 1}}}});
}

const std::vector<Program> &getPrograms() {
  static const std::vector<Program> programs = [] {
    std::vector<Program> all;
    addElementwise(all);
    addStructural(all);
    addReductions(all);
    addMatrices(all);
    addControl(all);
    addConstants(all);
    return all;
  }();
  return programs;
}

} // namespace gradus::matrix
