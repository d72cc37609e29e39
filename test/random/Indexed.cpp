//===- Indexed.cpp - Values in index notation -------------------------------------===//

#include "Generator.h"

using namespace gradus::random_specs;

static bool has(const std::string &indices, char index) { return indices.find(index) != std::string::npos; }
static char indexOf(char axis) { return axis == 'n' ? 'i' : axis == 'd' ? 'j' : 'k'; }

std::string gradus::random_specs::indicesOf(const Dims &dims) {
  std::string text;
  for (char axis : dims)
    text += std::string(text.empty() ? "" : ", ") + indexOf(axis);
  return text;
}

/// An integer, of any size.
std::string Formulas::integer(const std::string &indices, int depth) {
  if (depth > 0) {
    std::string a = integer(indices, depth - 1), b = integer(indices, depth - 1);
    return std::vector<std::string>{"(" + a + " + " + b + ")", "(" + a + " + 1)", "(2 * " + a + ")", "div(" + a + ", 2)", "(" + a + " - " + b + ")", a}[below(6)];
  }
  std::vector<std::string> found;
  for (char index : indices)
    found.push_back(std::string(1, index));
  for (const auto &[dims, name] : integers)
    if (dims.empty())
      found.push_back(name);
    else if (has(indices, indexOf(dims[0])))
      found.push_back(name + "[" + indexOf(dims[0]) + "]");
  return found.empty() ? "3" : pick(found);
}

/// A named value at indices that are bound, or at computed places; a number if there is none.
NodePtr Formulas::indexedLeaf(const std::string &indices) {
  static const std::map<char, std::string> over = {{'n', "ip"}, {'d', "j"}, {'c', "k"}};
  if (oneOf(8))
    return make("(0.2 * " + integer(indices, below(2)) + ")", "");
  std::vector<std::string> found = {"h"};
  for (const auto &[dims, name] : names) {
    if (name.find('[') != std::string::npos) // a slice
      continue;
    std::vector<std::string> texts = {name};
    for (size_t axis = 0; axis < dims.size(); ++axis) {
      std::vector<std::string> next;
      std::string before = axis ? ", " : "[";
      for (const std::string &text : texts) {
        for (char index : over.at(dims[axis]))
          if (has(indices, index))
            next.push_back(text + before + index);
        if (oneOf(3))
          next.push_back(text + before + integer(indices, 1) + " % " + dims[axis]);
      }
      texts = next;
    }
    if (!dims.empty())
      for (const std::string &text : texts)
        found.push_back(text + "]");
  }
  if (kind != Matrix) {
    if (has(indices, 'i'))
      found.push_back("b[label[i]]");
    if (has(indices, 'i') && has(indices, 'j'))
      found.push_back("W[j, label[i]]");
    if (has(indices, 'j'))
      for (const char *text : {"w[twin[j]]", "V[j, 0]", "V[twin[j], 1]", "W[twin[j], 2]"})
        found.push_back(text);
  }
  return make(pick(found), "");
}

/// A sum in which every index stands bare at an axis, so that its range is known.
NodePtr Formulas::covering(const std::string &indices) {
  NodePtr sum;
  for (char index : indices) {
    NodePtr term = make(covers.at(index), "");
    sum = sum ? make("($0 + $1)", "", std::move(sum), std::move(term)) : std::move(term);
  }
  return sum;
}

NodePtr Formulas::indexedReduction(const std::string &indices, int depth) {
  std::string free;
  for (const auto &[index, cover] : covers)
    if (!has(indices, index) && (index != 'p' || has(indices, 'i')))
      free += index;
  if (free.empty())
    return indexedLeaf(indices);
  char bound = free[below(free.size())];
  std::string binder(1, bound);
  if (bound == 'p' && oneOf(2))
    binder = oneOf(2) ? "p < i" : "p != i";
  std::string reducer = binder.size() > 1 ? "sum" : word({"sum", "sum", "sum", "mean", "max", "logsumexp"});
  return make(reducer + "[" + binder + "]($0)", "", make("($0 * $1)", "", covering(std::string(1, bound)), indexed(indices + bound, depth)));
}

NodePtr Formulas::indexed(const std::string &indices, int depth) {
  if (depth <= 0 || oneOf(5))
    return indexedLeaf(indices);
  switch (below(7)) {
  case 0:
    return make(unary(), "", indexed(indices, depth - 1));
  case 1:
    return make(extremum(), "", indexed(indices, depth - 1), indexed(indices, depth - 1));
  case 2:
    return indexedReduction(indices, depth - 1);
  case 3:
    return make("(if " + integer(indices, 1) + word({" % 2 == 0", " > 1", " % 3 != 1"}) + " then $0 else $1)", "", indexed(indices, depth - 1), indexed(indices, depth - 1));
  case 4: // along an index that is bound
    if (has(indices, 'i') && !has(indices, 'p')) {
      char along = indices[below(indices.size())];
      return make("cumsum[" + std::string(1, along) + "]($0 + $1)", "", covering(std::string(1, along)), indexed(indices, depth - 1));
    }
    [[fallthrough]];
  default:
    return make(binary(), "", indexed(indices, depth - 1), indexed(indices, depth - 1));
  }
}
