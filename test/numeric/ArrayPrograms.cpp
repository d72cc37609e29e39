//===- ArrayPrograms.cpp - Functions of one op that moves or folds arrays -------===//

#include "ArrayPrograms.h"

using namespace mlir;
using namespace gradus;

void Program::finish(const Dims &dims, StringRef computed) {
  StringRef stored = dims.empty() && isFloat(element) ? "f64" : element.name; // a number is computed in f64
  std::string last = "%y";
  if (stored != computed) {
    line("%r = gradus.cast %y : " + arrayOf(dims, computed) + " to " + arrayOf(dims, stored));
    last = "%r";
  }
  line("gradus.return " + last + " : " + arrayOf(dims, stored));
  result = arrayOf(dims, stored);
}

std::string Program::print() const {
  std::string text;
  llvm::raw_string_ostream os(text);
  os << "gradus.func fn @" << name << "(";
  for (auto [i, arg] : llvm::enumerate(arguments))
    os << (i ? ", %" : "%") << arg.name << ": " << arrayOf(arg.dims, arg.element.name) << " {gradus.name = \"" << arg.name << "\", gradus.role = #gradus.role<"
       << (arg.holds == Holds::Time ? "time" : "input") << ">}";
  os << ") -> (" << result << " {gradus.name = \"r\", gradus.role = #gradus.role<value>}) {\n" << body << "}\n";
  return text;
}

namespace {

std::string listOf(ArrayRef<int64_t> numbers) {
  std::string text;
  for (int64_t number : numbers)
    text += (text.empty() ? "" : ", ") + std::to_string(number);
  return "[" + text + "]";
}

Program &add(Programs &programs, const Element &element, StringRef what, const Dims &dims) {
  programs.push_back({llvm::formatv("{0}_{1}_{2}", what, dims.size(), programs.size()).str(), element, {}, "", ""});
  return programs.back();
}

Dims without(const Dims &dims, ArrayRef<int64_t> axes) {
  Dims kept;
  for (auto [axis, dim] : llvm::enumerate(dims))
    if (!llvm::is_contained(axes, static_cast<int64_t>(axis)))
      kept.push_back(dim);
  return kept;
}

/// Some sets of axes: all, the first, the last, both, what is between.
std::vector<std::vector<int64_t>> axesOf(const Dims &dims) {
  int64_t rank = dims.size();
  std::vector<int64_t> all(rank);
  for (int64_t axis = 0; axis < rank; ++axis)
    all[axis] = axis;
  if (rank < 2)
    return {all};
  if (rank == 2)
    return {all, {0}, {1}};
  return {all, {0}, {rank - 1}, {0, rank - 1}, {all.begin() + 1, all.end() - 1}};
}

/// The first axis, the last, one between.
std::vector<int64_t> someAxes(const Dims &dims) {
  int64_t rank = dims.size();
  return rank == 1 ? std::vector<int64_t>{0} : rank == 2 ? std::vector<int64_t>{0, 1} : std::vector<int64_t>{0, rank / 2, rank - 1};
}

//===----------------------------------------------------------------------===//
// What moves elements
//===----------------------------------------------------------------------===//

void writeBroadcast(Programs &programs, const Element &element, const Dims &dims) {
  for (const std::vector<int64_t> &axes : axesOf(dims)) {
    Program &p = add(programs, element, "broadcast", dims);
    Dims kept = without(dims, axes);
    std::vector<int64_t> at;
    for (int64_t axis = 0; axis < static_cast<int64_t>(dims.size()); ++axis)
      if (!llvm::is_contained(axes, axis))
        at.push_back(axis);
    std::string x = p.input(kept), shape = p.argument(dims, elementBool, Holds::Anything);
    p.line("%y = gradus.broadcast " + x + " axes " + listOf(at) + " : " + p.type(kept) + " to " + p.type(dims));
    // The shape of the result comes from an argument.
    p.line("%z = gradus.select " + shape + ", %y, %y : " + arrayOf(dims, "i1") + ", " + p.type(dims));
    p.line("gradus.return %z : " + p.type(dims));
    p.result = p.type(dims);
  }
}

void writeReshape(Programs &programs, const Element &element, const Dims &dims) {
  Dims reversed(dims.rbegin(), dims.rend());
  Program &p = add(programs, element, "reshape", dims);
  std::string x = p.input(dims);
  p.line("%y = gradus.reshape " + x + " : " + p.type(dims) + " to " + p.type(reversed));
  p.line("gradus.return %y : " + p.type(reversed));
  p.result = p.type(reversed);
  if (dims.size() == 8)
    return;
  Dims longer = dims;
  longer.insert(longer.begin() + dims.size() / 2, "1");
  Program &q = add(programs, element, "longer", dims);
  x = q.input(dims);
  q.line("%y = gradus.reshape " + x + " : " + q.type(dims) + " to " + q.type(longer));
  q.line("gradus.return %y : " + q.type(longer));
  q.result = q.type(longer);
}

void writeTranspose(Programs &programs, const Element &element, const Dims &dims) {
  int64_t rank = dims.size();
  for (bool isTurned : {false, true}) {
    std::vector<int64_t> permutation;
    Dims moved;
    for (int64_t axis = 0; axis < rank; ++axis) {
      permutation.push_back(isTurned ? (axis + 1) % rank : rank - 1 - axis);
      moved.push_back(dims[permutation.back()]);
    }
    Program &p = add(programs, element, "transpose", dims);
    std::string x = p.input(dims);
    p.line("%y = gradus.transpose " + x + " permutation " + listOf(permutation) + " : " + p.type(dims) + " to " + p.type(moved));
    p.line("gradus.return %y : " + p.type(moved));
    p.result = p.type(moved);
  }
}

void writeConcat(Programs &programs, const Element &element, const Dims &dims) {
  for (int64_t axis : someAxes(dims)) {
    Program &p = add(programs, element, "concat", dims);
    Dims other = dims, joined = dims;
    other[axis] = "b";
    joined[axis] = "\"2 * " + dims[axis] + " + b\"";
    std::string x = p.input(dims), z = p.input(other);
    p.line(llvm::formatv("%y = gradus.concat {0}, {1}, {0} axis {2} : ({3}, {4}, {3}) -> {5}", x, z, axis, p.type(dims), p.type(other), p.type(joined)).str());
    p.line("gradus.return %y : " + p.type(joined));
    p.result = p.type(joined);
  }
}

/// An index for each axis from an argument, of one shape.
std::pair<std::string, std::string> indices(Program &p, const Dims &inside, const Dims &shape, const Element &integer) {
  std::vector<std::string> values, types(inside.size(), arrayOf(shape, integer.name));
  for (const std::string &dim : inside)
    values.push_back(p.argument(shape, integer, Holds::Index, dim));
  return {llvm::join(values, ", "), llvm::join(types, ", ")};
}

void writeGather(Programs &programs, const Element &element, const Dims &dims) {
  for (const Dims &shape : {Dims{"m"}, dims}) {
    Program &p = add(programs, element, "gather", dims);
    std::string x = p.input(dims);
    auto [values, types] = indices(p, dims, shape, elements[shape.size() == 1 ? 5 : 6]);
    p.line("%y = gradus.gather " + x + "[" + values + "] : " + p.type(dims) + ", (" + types + ") -> " + p.type(shape));
    p.line("gradus.return %y : " + p.type(shape));
    p.result = p.type(shape);
  }
}

void writeScatter(Programs &programs, const Element &element, const Dims &dims) {
  for (const Dims &shape : {Dims{"m"}, dims}) {
    Program &p = add(programs, element, "scatter", dims);
    std::string x = p.input(dims), updates = p.input(shape);
    auto [values, types] = indices(p, dims, shape, elements[6]);
    p.line("%y = gradus.scatter " + x + "[" + values + "], " + updates + " : " + p.type(dims) + ", (" + types + "), " + p.type(shape));
    p.line("gradus.return %y : " + p.type(dims));
    p.result = p.type(dims);
  }
}

void writeScatterAdd(Programs &programs, const Element &element, const Dims &dims) {
  for (const Dims &shape : {Dims{"m"}, dims}) {
    Program &p = add(programs, element, "scatter_add", dims);
    std::string x = p.widen(p.input(dims, Holds::Mild), dims), updates = p.widen(p.input(shape, Holds::Mild), shape);
    auto [values, types] = indices(p, dims, shape, elements[6]);
    p.line("%y = gradus.scatter_add " + x + "[" + values + "], " + updates + " : " + p.wide(dims) + ", (" + types + "), " + p.wide(shape));
    p.ulps = 1;
    p.isFolded = true;
    p.finish(dims, element.wide);
  }
}

void writeConstant(Programs &programs, const Element &element, const Dims &dims) {
  const char *number = isBool(element) ? "true" : isFloat(element) ? "-1.5" : "-7";
  std::string shape, list = isBool(element) ? "true, false" : isFloat(element) ? "-0.0, 3.25" : "2147483647, -2147483648";
  Dims fixed;
  for (size_t axis = 0; axis < dims.size(); ++axis) {
    fixed.push_back(axis + 1 == dims.size() ? "2" : axis % 3 == 0 ? "3" : "1");
    shape += fixed.back() + "x";
  }
  for (size_t axis = dims.size(); axis-- > 0;) {
    std::string inner = "[" + list + "]";
    list = axis == 0 || fixed[axis - 1] == "1" ? inner : inner + ", " + inner + ", " + inner;
  }
  for (const std::string &value : {std::string(number), dims.empty() ? std::string(number) : list}) {
    Program &p = add(programs, element, "constant", dims);
    p.argument({}, elements[6], Holds::Anything);
    p.line("%y = gradus.constant dense<" + value + "> : tensor<" + shape + (dims.empty() && isFloat(element) ? "f64" : element.name) + ">");
    p.finish(fixed, dims.empty() && isFloat(element) ? "f64" : element.name);
  }
}

void writeIota(Programs &programs, const Element &element, const Dims &dims) {
  for (int64_t axis : someAxes(dims)) {
    Program &p = add(programs, element, "iota", dims);
    std::string x = p.input(dims);
    p.line("%y = gradus.iota " + std::to_string(axis) + " : " + p.type(dims));
    p.line("%r = gradus.max " + x + ", %y : " + p.type(dims));
    p.line("gradus.return %r : " + p.type(dims));
    p.result = p.type(dims);
  }
}

void writeDim(Programs &programs, const Element &element, const Dims &dims) {
  Program &p = add(programs, element, "dim", dims);
  p.input(dims);
  p.line("%y = gradus.dim \"" + dims.back() + "\"");
  p.line("gradus.return %y : !gradus.array<[], i64>");
  p.result = "!gradus.array<[], i64>";
}

//===----------------------------------------------------------------------===//
// What folds and orders elements
//===----------------------------------------------------------------------===//

constexpr const char *reductionKinds[] = {"max", "min", "prod", "sum"};

void addReduction(Programs &programs, const Element &element, const Dims &dims, StringRef op, ArrayRef<int64_t> axes, Holds holds, double ulps,
                  StringRef accumulate = "") {
  Program &p = add(programs, element, "fold", dims);
  Dims kept = without(dims, axes);
  std::string x = p.widen(p.input(dims, holds), dims);
  StringRef computed = kept.empty() && isFloat(element) ? "f64" : element.wide;
  p.line(llvm::formatv("%y = gradus.{0} {1} axes {2}{3} : {4} to {5}", op, x, listOf(axes), accumulate, p.wide(dims), arrayOf(kept, computed)).str());
  p.ulps = ulps;
  p.isFolded = ulps > 0;
  p.finish(kept, computed);
}

void writeReduce(Programs &programs, const Element &element, const Dims &dims) {
  for (const std::vector<int64_t> &axes : axesOf(dims)) {
    if (isBool(element)) {
      addReduction(programs, element, dims, "reduce all", axes, Holds::Anything, 0);
      addReduction(programs, element, dims, "reduce any", axes, Holds::Anything, 0);
      continue;
    }
    for (StringRef kind : reductionKinds) {
      bool isExact = kind == "max" || kind == "min";
      addReduction(programs, element, dims, ("reduce " + kind).str(), axes, isExact ? Holds::Anything : Holds::Mild, isExact || !isFloat(element) ? 0 : 1);
      if (kind == "sum" && isFloat(element))
        addReduction(programs, element, dims, "reduce sum", axes, Holds::Mild, 1, " accumulate f64");
    }
  }
}

void writeLogSumExp(Programs &programs, const Element &element, const Dims &dims) {
  for (const std::vector<int64_t> &axes : axesOf(dims))
    addReduction(programs, element, dims, "logsumexp", axes, Holds::Mild, 2);
}

void writeNorm(Programs &programs, const Element &element, const Dims &dims) {
  for (const std::vector<int64_t> &axes : axesOf(dims))
    addReduction(programs, element, dims, "norm", axes, Holds::Mild, 1);
}

void writeArgReduce(Programs &programs, const Element &element, const Dims &dims) {
  for (int64_t axis : someAxes(dims))
    for (StringRef kind : {"max", "min"}) {
      Program &p = add(programs, element, "place", dims);
      Dims kept = without(dims, {axis});
      std::string x = p.widen(p.input(dims), dims);
      p.line(llvm::formatv("%y = gradus.arg_reduce {0} {1} axis {2} : {3} to {4}", kind, x, axis, p.wide(dims), arrayOf(kept, "i64")).str());
      p.line("gradus.return %y : " + arrayOf(kept, "i64"));
      p.result = arrayOf(kept, "i64");
    }
}

void writeCumulate(Programs &programs, const Element &element, const Dims &dims) {
  for (int64_t axis : someAxes(dims))
    for (StringRef kind : reductionKinds)
      for (StringRef way : {"", " reverse"}) {
        Program &p = add(programs, element, "cumulate", dims);
        bool isExact = kind == "max" || kind == "min";
        std::string x = p.widen(p.input(dims, isExact ? Holds::Anything : Holds::Mild), dims);
        p.line(llvm::formatv("%y = gradus.cumulate {0} {1} axis {2}{3} : {4}", kind, x, axis, way, p.wide(dims)).str());
        p.ulps = isExact || !isFloat(element) ? 0 : 1;
        p.isFolded = p.ulps > 0;
        p.finish(dims, element.wide);
      }
}

void writeSort(Programs &programs, const Element &element, const Dims &dims) {
  std::vector<int64_t> axes = someAxes(dims);
  axes.push_back(-1);
  for (int64_t axis : axes)
    for (StringRef way : {"", " descending"})
      for (bool isOrder : {false, true}) {
        Program &p = add(programs, element, "sort", dims);
        std::string x = p.widen(p.input(dims), dims);
        p.line(llvm::formatv("%y{0}, %y{1} = gradus.sort {2} axis {3}{4} : {5}, {6}", isOrder ? "0" : "", isOrder ? "" : "1", x, axis, way, p.wide(dims),
                             arrayOf(dims, "i64"))
                   .str());
        if (!isOrder) {
          p.finish(dims, element.wide);
          continue;
        }
        p.line("gradus.return %y : " + arrayOf(dims, "i64"));
        p.result = arrayOf(dims, "i64");
      }
}

/// Labels of the operands and of the result, for a rank: products of all kinds.
void writeContract(Programs &programs, const Element &element, const Dims &dims) {
  int64_t rank = dims.size();
  std::vector<int64_t> all, reversed, first, last;
  for (int64_t k = 0; k < rank; ++k) {
    all.push_back(k);
    reversed.insert(reversed.begin(), k);
    (k < rank / 2 ? first : last).push_back(k);
  }
  struct Form {
    std::vector<int64_t> lhs, rhs, out;
  };
  std::vector<Form> forms{{all, reversed, {}}, {all, all, all}, {all, {}, reversed}, {all, last, first}, {first, last, all}, {all, reversed, last}};
  if (rank > 1)
    forms.push_back({first, all, {last.rbegin(), last.rend()}});
  if (rank == 3)
    forms.insert(forms.end(), {Form{{0, 1}, {1, 2}, {0, 2}}, Form{{0, 1}, {1, 2}, {2, 0}}, Form{{1, 0}, {1, 2}, {0, 2}}, Form{{0, 1}, {2, 1}, {0, 2}},
                               Form{{0, 1, 2}, {0, 2}, {0, 1}}, Form{{2, 0, 1}, {1}, {0, 2}}});
  for (const Form &form : forms) {
    auto dimsOf = [&](const std::vector<int64_t> &labels) {
      Dims result;
      for (int64_t label : labels)
        result.push_back(dims[label]);
      return result;
    };
    Program &p = add(programs, element, "contract", dims);
    Dims a = dimsOf(form.lhs), b = dimsOf(form.rhs), c = dimsOf(form.out);
    std::string x = p.widen(p.input(a, Holds::Mild), a), y = p.widen(p.input(b, Holds::Mild), b);
    StringRef computed = c.empty() ? "f64" : element.wide;
    p.line(llvm::formatv("%y = gradus.contract {0} {1}, {2} {3} -> {4} : {5}, {6} -> {7}", x, listOf(form.lhs), y, listOf(form.rhs), listOf(form.out), p.wide(a),
                         p.wide(b), arrayOf(c, computed))
               .str());
    p.ulps = 1;
    p.isFolded = true;
    p.finish(c, computed);
  }
}

//===----------------------------------------------------------------------===//
// Regions
//===----------------------------------------------------------------------===//

void finishMoved(Program &p, const Dims &dims) {
  p.line("gradus.return %y : " + p.type(dims));
  p.result = p.type(dims);
}

/// The first where any is true.
void writeIf(Programs &programs, const Element &element, const Dims &dims) {
  Program &p = add(programs, element, "if", dims);
  std::string x = p.input(dims), z = p.input(dims), c = p.argument({"m"}, elementBool, Holds::Anything), type = p.type(dims);
  p.line("%c = gradus.reduce any " + c + " axes [0] : !gradus.array<[m], i1> to !gradus.array<[], i1>");
  p.line("%y = gradus.if %c -> (" + type + ") {\n    gradus.yield " + x + " : " + type + "\n  } else {\n    gradus.yield " + z + " : " + type + "\n  }");
  finishMoved(p, dims);
}

/// Two arrays change places, some times.
void writeLoop(Programs &programs, const Element &element, const Dims &dims) {
  Program &p = add(programs, element, "loop", dims);
  std::string x = p.input(dims), z = p.input(dims), type = p.type(dims);
  p.argument({"m"}, elementBool, Holds::Anything);
  p.line("%n = gradus.dim \"m\"");
  p.line("%y, %other = gradus.loop %n init(" + x + ", " + z + ") : !gradus.array<[], i64>, (" + type + ", " + type + ") {\n  ^bb0(%k: !gradus.array<[], i64>, %u: " +
         type + ", %v: " + type + "):\n    gradus.yield %v, %u : " + type + ", " + type + "\n  }");
  finishMoved(p, dims);
}

void writeEvery(Programs &programs, const Element &element, const Dims &dims) {
  Program &p = add(programs, element, "every", dims);
  std::string x = p.input(dims), z = p.input(dims), t = p.argument({}, elements[6], Holds::Time), type = p.type(dims);
  p.line("%n = gradus.constant dense<2> : tensor<i64>");
  p.line("%y = gradus.every %n at " + t + " keep(" + x + ") : !gradus.array<[], i64>, (" + type + ") {\n    gradus.yield " + z + " : " + type + "\n  }");
  finishMoved(p, dims);
}

/// Keeps what was carried where the slice is not equal to itself: NaN.
void writeScan(Programs &programs, const Element &element, const Dims &dims) {
  for (StringRef way : {"", " reverse"}) {
    Dims inner(dims.begin() + 1, dims.end());
    Program &p = add(programs, element, "scan", dims);
    StringRef computed = inner.empty() && isFloat(element) ? "f64" : element.wide;
    std::string x = p.widen(p.input(dims), dims), first, slice = arrayOf(inner, computed), bools = arrayOf(inner, "i1");
    if (inner.empty()) {
      p.line("%first = gradus.constant dense<" + std::string(isBool(element) ? "true" : isFloat(element) ? "2.0" : "2") + "> : tensor<" + computed.str() + ">");
      first = "%first";
    } else {
      first = p.widen(p.input(inner), inner);
    }
    p.line(llvm::formatv("%y = gradus.scan ({0}) init({1}){2} : ({3}), ({4}) -> {5} {{\n  ^bb0(%k: !gradus.array<[], i64>, %v: {4}, %carry: {4}):\n"
                         "    %c = gradus.compare eq %v, %v : {4} -> {6}\n    %s = gradus.select %c, %v, %carry : {6}, {4}\n    gradus.yield %s : {4}\n  }",
                         x, first, way, p.wide(dims), slice, arrayOf(dims, computed), bools)
               .str());
    p.finish(dims, computed);
  }
}

void writeCustom(Programs &programs, const Element &element, const Dims &dims) {
  Program &p = add(programs, element, "custom", dims);
  std::string x = p.input(dims), type = p.type(dims), extra = isFloat(element) ? ", %dy: " + type : "", back = isFloat(element) ? " %dy : " + type : "";
  p.line("%y = gradus.custom (" + x + ") : (" + type + ") -> (" + type + ") {\n  ^bb0(%a: " + type + "):\n    %s = gradus.stop %a : " + type +
         "\n    gradus.yield %s : " + type + "\n  } derivative {\n  ^bb0(%a: " + type + ", %r: " + type + extra + "):\n    gradus.yield" + back + "\n  }");
  finishMoved(p, dims);
}

constexpr ArrayRow rows[] = {
    {"arg_reduce", Numbers, 1, writeArgReduce},
    {"broadcast", Anything, 0, writeBroadcast},
    {"concat", Anything, 1, writeConcat},
    {"constant", Anything, 0, writeConstant},
    {"contract", Floats, 0, writeContract},
    {"cumulate", Numbers, 1, writeCumulate},
    {"custom", Anything, 0, writeCustom},
    {"dim", Anything, 1, writeDim},
    {"every", Anything, 0, writeEvery},
    {"gather", Anything, 1, writeGather},
    {"if", Anything, 0, writeIf},
    {"iota", Integers, 1, writeIota},
    {"logsumexp", Floats, 0, writeLogSumExp},
    {"loop", Anything, 0, writeLoop},
    {"norm", Floats, 0, writeNorm},
    {"reduce", Anything, 0, writeReduce},
    {"reshape", Anything, 0, writeReshape},
    {"scan", Anything, 1, writeScan},
    {"scatter", Anything, 1, writeScatter},
    {"scatter_add", Numbers, 1, writeScatterAdd},
    {"sort", Numbers, 1, writeSort},
    {"transpose", Anything, 1, writeTranspose},
};

} // namespace

ArrayRef<ArrayRow> gradus::getArrayRows() { return rows; }
