//===- Maps.cpp - Programs and their derivatives as text ------------------------===//

#include "Maps.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringRef.h"

namespace gradus::matrix {

Names Writer::fresh(size_t many) {
  Names names;
  for (size_t k = 0; k < many; ++k)
    names.push_back(fresh());
  return names;
}

static Names joined(const Names &a, const Names &b) {
  Names all = a;
  all.insert(all.end(), b.begin(), b.end());
  return all;
}
static Names slice(const Names &names, size_t from, size_t count) { return Names(names.begin() + from, names.begin() + from + count); }

static std::string listOf(const Names &names) { return llvm::join(names, ", "); }
static std::string typesOf(const Names &dims) {
  Names types;
  for (const std::string &dim : dims)
    types.push_back(typeOf(dim));
  return listOf(types);
}

/// `text` with other names for the inputs.
static std::string rename(const Program &program, const Names &args) {
  std::string text = expandTypes(program.body), result;
  for (size_t at = 0; at < text.size(); ++at) {
    if (text[at] != '%') {
      result += text[at];
      continue;
    }
    size_t end = at + 1;
    while (end < text.size() && (llvm::isAlnum(text[end]) || text[end] == '_'))
      ++end;
    std::string name = text.substr(at + 1, end - at - 1), replacement = "%" + name;
    for (size_t k = 0; k < args.size(); ++k)
      if (name == program.inputs[k].name)
        replacement = args[k];
    result += replacement;
    at = end - 1;
  }
  return result;
}

Map mapOf(const Program &program) {
  Map map;
  for (const Input &input : program.inputs)
    map.from.push_back(input.dims);
  map.to.assign(program.results.begin(), program.results.end());
  map.hasContractions = program.body.find("gradus.contract") != std::string::npos;
  map.write = [program](Writer &w, const Names &args) {
    w.line(rename(program, args));
    Names results;
    for (size_t k = 0; k < program.results.size(); ++k)
      results.push_back(program.results.size() == 1 ? "%y" : "%y" + std::to_string(k));
    return results;
  };
  return map;
}

/// A product of a with b, and its sum. By other ops than those of the program: what is wrong with an op twice is not found.
static std::string product(Writer &w, const std::string &a, const std::string &b, const std::string &dims, bool hasContractions) {
  // A formula of two sizes has a comma of its own.
  size_t rank = dims == "[]" ? 0 : llvm::StringRef(dims).count(',') + 1 - llvm::StringRef(dims).count("min(");
  Names axes;
  for (size_t axis = 0; axis < rank; ++axis)
    axes.push_back(std::to_string(axis));
  std::string all = "[" + listOf(axes) + "]", type = typeOf(dims), sum = w.fresh();
  if (!hasContractions) {
    w.line(sum + " = gradus.contract " + a + " " + all + ", " + b + " " + all + " -> [] : " + type + ", " + type + " -> " + typeOf("[]"));
    return sum;
  }
  std::string terms = w.fresh();
  w.line(terms + " = gradus.mul " + a + ", " + b + " : " + type);
  w.line(sum + " = gradus.reduce sum " + terms + " axes " + all + " : " + type + " to " + typeOf("[]"));
  return sum;
}

/// The sum of all products of elements of the arrays `a` and `b`.
static std::string innerProduct(Writer &w, const Map &map, const Names &a, const Names &b, const Names &dims) {
  std::string total;
  for (size_t k = 0; k < a.size(); ++k) {
    std::string term = product(w, a[k], b[k], dims[k], map.hasContractions);
    if (total.empty()) {
      total = term;
      continue;
    }
    std::string sum = w.fresh();
    w.line(sum + " = gradus.add " + total + ", " + term + " : " + typeOf("[]"));
    total = sum;
  }
  return total;
}

/// The gradient in `points` of a number that `write` makes of them.
static Names gradient(Writer &w, const Names &points, const Names &dims, llvm::function_ref<std::string(const Names &)> write) {
  Names results = w.fresh(points.size()), arguments = w.fresh(points.size()), typed;
  for (size_t k = 0; k < points.size(); ++k)
    typed.push_back(arguments[k] + ": " + typeOf(dims[k]));
  w.line(w.fresh() + ", " + listOf(results) + " = gradus.grad (" + listOf(points) + ") : (" + typesOf(dims) + ") -> (" + typesOf(joined({"[]"}, dims)) +
         ") {\n^bb0(" + listOf(typed) + "):");
  std::string value = write(arguments);
  w.line("gradus.yield " + value + " : " + typeOf("[]") + "\n}");
  return results;
}

Map transposedDerivative(const Map &f) {
  Map map{joined(f.from, f.to), f.from, {}, f.hasContractions};
  map.write = [f](Writer &w, const Names &args) {
    Names v = slice(args, f.from.size(), f.to.size());
    return gradient(w, slice(args, 0, f.from.size()), f.from, [&](const Names &xs) { return innerProduct(w, f, f.write(w, xs), v, f.to); });
  };
  return map;
}

Map derivativeByTransposition(const Map &f) {
  Map map{joined(f.from, f.from), f.to, {}, f.hasContractions}, transposed = transposedDerivative(f);
  map.write = [f, transposed](Writer &w, const Names &args) {
    Names x = slice(args, 0, f.from.size()), u = slice(args, f.from.size(), f.from.size()), v;
    for (const std::string &dims : f.to) { // whatever they are: it is linear in them
      std::string number = w.fresh();
      w.line(number + " = gradus.constant dense<0.5> : tensor<f64>");
      v.push_back(number);
      if (dims != "[]") {
        v.back() = w.fresh();
        w.line(v.back() + " = gradus.broadcast " + number + " axes [] : " + typeOf("[]") + " to " + typeOf(dims));
      }
    }
    return gradient(w, v, f.to, [&](const Names &vs) { return innerProduct(w, f, transposed.write(w, joined(x, vs)), u, f.from); });
  };
  return map;
}

static Map derivativeAlong(const Map &f) {
  Map map{joined(f.from, f.from), f.to, {}, f.hasContractions};
  map.write = [f](Writer &w, const Names &args) {
    Names values = w.fresh(f.to.size()), tangents = w.fresh(f.to.size()), arguments = w.fresh(f.from.size()), typed;
    for (size_t k = 0; k < arguments.size(); ++k)
      typed.push_back(arguments[k] + ": " + typeOf(f.from[k]));
    w.line(listOf(joined(values, tangents)) + " = gradus.jvp (" + listOf(slice(args, 0, f.from.size())) + ") along (" + listOf(slice(args, f.from.size(), f.from.size())) +
           ") : (" + typesOf(f.from) + "), (" + typesOf(f.from) + ") -> (" + typesOf(f.to) + "), (" + typesOf(f.to) + ") {\n^bb0(" + listOf(typed) + "):");
    Names results = f.write(w, arguments);
    w.line("gradus.yield " + listOf(results) + " : " + typesOf(f.to) + "\n}");
    return tangents;
  };
  return map;
}

const std::vector<ForwardMode> &getForwardModes() {
  static const std::vector<ForwardMode> modes{
      {"forward", derivativeAlong, true},
      {"transposition", derivativeByTransposition, false},
  };
  return modes;
}

Map secondDerivative(const Map &f, const ForwardMode &mode) {
  Map map{joined(joined(f.from, f.to), f.from), f.from, {}, f.hasContractions};
  map.write = [f, make = mode.make](Writer &w, const Names &args) {
    Names x = slice(args, 0, f.from.size()), v = slice(args, f.from.size(), f.to.size()), u = slice(args, f.from.size() + f.to.size(), f.from.size());
    Map transposed = transposedDerivative(f), gradient{f.from, f.from, {}, f.hasContractions};
    gradient.write = [&](Writer &inner, const Names &xs) { return transposed.write(inner, joined(xs, v)); };
    return make(gradient).write(w, joined(x, u));
  };
  return map;
}

std::string print(const Map &map, bool isOpen) {
  Writer w;
  Names arguments = w.fresh(map.from.size()), typed, results;
  for (size_t k = 0; k < arguments.size(); ++k)
    typed.push_back(arguments[k] + ": " + typeOf(map.from[k]) + " {gradus.name = \"a" + std::to_string(k) + "\", gradus.role = #gradus.role<input>}");
  for (size_t k = 0; k < map.to.size(); ++k)
    results.push_back(typeOf(map.to[k]) + " {gradus.name = \"r" + std::to_string(k) + "\", gradus.role = #gradus.role<report>}");
  w.line("gradus.func loss @f(" + listOf(typed) + ") -> (" + listOf(results) + ")" + (isOpen ? " attributes {open}" : "") + " {");
  Names yielded = map.write(w, arguments);
  w.line("gradus.return " + listOf(yielded) + " : " + typesOf(map.to) + "\n}");
  return w.text;
}

} // namespace gradus::matrix
