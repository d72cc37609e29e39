//===- ProgramsArrays.cpp - What moves and folds elements, and constants --------===//

#include "Programs.h"

namespace gradus::matrix {

/// Places in an array of [3, 2], one of them twice.
static const std::string places = "%i = gradus.constant dense<[2, 0, 2, 1]> : tensor<4xi64>\n%j = gradus.constant dense<[1, 0, 1, 0]> : tensor<4xi64>\n";

void addStructural(std::vector<Program> &programs) {
  programs.insert(
      programs.end(),
      {{"broadcast", {{"x", "[c]"}}, {"[n, c]"}, "%y = gradus.broadcast %x axes [1] : $[c] to $[n, c]"},
       {"broadcast_of_one", {{"x", "[1, c]"}}, {"[n, c]"}, "%y = gradus.broadcast %x axes [0, 1] : $[1, c] to $[n, c]"},
       {"broadcast_of_number", {{"x", "[]"}}, {"[n, c]"}, "%y = gradus.broadcast %x axes [] : $[] to $[n, c]"},
       // Of two wrong signs nothing is left: they are found in the next one.
       {"cast", {{"x", "[n]"}}, {"[n]"}, "%w = gradus.cast %x : $[n] to !gradus.array<[n], f32>\n%y = gradus.cast %w : !gradus.array<[n], f32> to $[n]",
        {}, 2, true, true},
       {"cast_once", {{"x", "[n]"}}, {"[]"},
        "%w = gradus.cast %x : $[n] to !gradus.array<[n], f32>\n%y = gradus.reduce sum %w axes [0] : !gradus.array<[n], f32> to $[]"},
       {"cast_to_integer", {{"x", "[n]"}}, {"[n]"}, "%w = gradus.cast %x : $[n] to $i[n]\n%y = gradus.cast %w : $i[n] to $[n]"},
       {"concat", {{"x", "[n, c]"}, {"z", "[k, c]"}, {"w", "[n, c]"}}, {"[\"k + 2 * n\", c]"},
        "%y = gradus.concat %x, %z, %w axis 0 : ($[n, c], $[k, c], $[n, c]) -> $[\"k + 2 * n\", c]"},
       {"concat_last", {{"x", "[n, c]"}, {"z", "[n, 1]"}}, {"[n, \"c + 1\"]"}, "%y = gradus.concat %x, %z axis 1 : ($[n, c], $[n, 1]) -> $[n, \"c + 1\"]"},
       {"fft", {{"a", "[n, c]"}, {"b", "[n, c]"}}, {"[n, c]", "[n, c]"}, "%y0, %y1 = gradus.fft %a, %b axis 0 : $[n, c]"},
       {"fft_inverse", {{"a", "[c, n]"}, {"b", "[c, n]"}}, {"[c, n]", "[c, n]"}, "%y0, %y1 = gradus.fft %a, %b axis 1 inverse : $[c, n]"},
       {"fft_one_part", {{"a", "[n]"}, {"b", "[n]"}}, {"[n]"}, "%u, %y = gradus.fft %a, %b axis 0 : $[n]"},
       {"gather", {{"x", "[3, 2]"}}, {"[4]"}, places + "%y = gradus.gather %x[%i, %j] : $[3, 2], ($i[4], $i[4]) -> $[4]"},
       {"gather_number", {{"x", "[3]"}}, {"[]"}, "%i = gradus.constant dense<2> : tensor<i64>\n%y = gradus.gather %x[%i] : $[3], ($i[]) -> $[]"},
       {"reshape", {{"x", "[3, 2]"}}, {"[2, 3]"}, "%y = gradus.reshape %x : $[3, 2] to $[2, 3]"},
       {"reshape_number", {{"x", "[1]"}}, {"[]"}, "%y = gradus.reshape %x : $[1] to $[]"},
       {"scatter", {{"x", "[3, 2]"}, {"u", "[4]"}}, {"[3, 2]"}, places + "%y = gradus.scatter %x[%i, %j], %u : $[3, 2], ($i[4], $i[4]), $[4]"},
       {"scatter_number", {{"x", "[3]"}, {"u", "[]"}}, {"[3]"},
        "%i = gradus.constant dense<1> : tensor<i64>\n%y = gradus.scatter %x[%i], %u : $[3], ($i[]), $[]"},
       {"scatter_add", {{"x", "[3, 2]"}, {"u", "[4]"}}, {"[3, 2]"}, places + "%y = gradus.scatter_add %x[%i, %j], %u : $[3, 2], ($i[4], $i[4]), $[4]"},
       {"sort", {{"x", "[n, c]"}}, {"[n, c]"}, "%y, %o = gradus.sort %x axis 0 : $[n, c], $i[n, c]", {{{1, 2, 1, 0, 1, 2}}}},
       {"sort_all", {{"x", "[n, c]"}}, {"[n, c]"}, "%y, %o = gradus.sort %x axis -1 descending : $[n, c], $i[n, c]", {{{1, 2, 1, 0, 1, 2}}}},
       {"sort_descending", {{"x", "[c, n]"}}, {"[c, n]"}, "%y, %o = gradus.sort %x axis 1 descending : $[c, n], $i[c, n]"},
       {"transpose", {{"x", "[n, c, 4]"}}, {"[4, n, c]"}, "%y = gradus.transpose %x permutation [2, 0, 1] : $[n, c, 4] to $[4, n, c]"}});
}

void addReductions(std::vector<Program> &programs) {
  programs.insert(
      programs.end(),
      {{"contract", {{"a", "[n, k]"}, {"b", "[k, c]"}}, {"[n, c]"}, "%y = gradus.contract %a [0, 1], %b [1, 2] -> [0, 2] : $[n, k], $[k, c] -> $[n, c]"},
       {"contract_batched", {{"a", "[4, n, k]"}, {"b", "[k, 4]"}}, {"[n, 4]"},
        "%y = gradus.contract %a [3, 0, 1], %b [1, 3] -> [0, 3] : $[4, n, k], $[k, 4] -> $[n, 4]"},
       {"contract_dot", {{"a", "[n, c]"}, {"b", "[c, n]"}}, {"[]"}, "%y = gradus.contract %a [0, 1], %b [1, 0] -> [] : $[n, c], $[c, n] -> $[]"},
       {"contract_one_side", {{"a", "[n, c]"}, {"b", "[n]"}}, {"[n]"}, "%y = gradus.contract %a [0, 1], %b [0] -> [0] : $[n, c], $[n] -> $[n]"},
       {"contract_outer", {{"a", "[n]"}, {"b", "[c]"}}, {"[c, n]"}, "%y = gradus.contract %a [0], %b [1] -> [1, 0] : $[n], $[c] -> $[c, n]"},
       {"contract_with_itself", {{"a", "[n, k]"}}, {"[n, n]"}, "%y = gradus.contract %a [0, 1], %a [2, 1] -> [0, 2] : $[n, k], $[n, k] -> $[n, n]"},
       {"contract_number", {{"a", "[]"}, {"b", "[c]"}}, {"[c]"}, "%y = gradus.contract %a [], %b [0] -> [0] : $[], $[c] -> $[c]"},
       {"cumulate", {{"x", "[n, c]"}}, {"[n, c]"}, "%y = gradus.cumulate sum %x axis 0 : $[n, c]"},
       {"cumulate_max", {{"x", "[n, c]"}}, {"[n, c]"}, "%y = gradus.cumulate max %x axis 0 : $[n, c]", {{{1, 1, 1, 0, 2, 1}}}},
       {"cumulate_max_reverse", {{"x", "[n]"}}, {"[n]"}, "%y = gradus.cumulate max %x axis 0 reverse : $[n]", {{{1, 2, 2}}}},
       {"cumulate_min", {{"x", "[c, n]"}}, {"[c, n]"}, "%y = gradus.cumulate min %x axis 1 : $[c, n]", {{{1, 1, 0, 0, 0, 0}}}},
       {"cumulate_prod", {{"x", "[c, n]"}}, {"[c, n]"}, "%y = gradus.cumulate prod %x axis 1 : $[c, n]", {{{2, 0, 3, 0, 0, 4}}}},
       {"cumulate_prod_reverse", {{"x", "[n, c]"}}, {"[n, c]"}, "%y = gradus.cumulate prod %x axis 0 reverse : $[n, c]", {{{2, 0, 3, 0, 0, 4}}}},
       {"cumulate_reverse", {{"x", "[c, n]"}}, {"[c, n]"}, "%y = gradus.cumulate sum %x axis 1 reverse : $[c, n]"},
       {"int_pow", {{"x", "[n]"}}, {"[n]"}, "%k = gradus.constant dense<3> : tensor<i64>\n%y = gradus.int_pow %x, %k : $[n], $i[]", {{{0, 1, -1}}}},
       {"int_pow_negative", {{"x", "[n]"}}, {"[n]"}, "%k = gradus.constant dense<-2> : tensor<i64>\n%y = gradus.int_pow %x, %k : $[n], $i[]"},
       {"int_pow_one", {{"x", "[n]"}}, {"[n]"}, "%k = gradus.constant dense<1> : tensor<i64>\n%y = gradus.int_pow %x, %k : $[n], $i[]", {{{0, 1, -1}}}},
       {"logsumexp", {{"x", "[n, c]"}}, {"[n]"}, "%y = gradus.logsumexp %x axes [1] : $[n, c] to $[n]", {{{800, 800, -800, 0, 3, 3}}}},
       {"logsumexp_all", {{"x", "[n, c]"}}, {"[]"}, "%y = gradus.logsumexp %x axes [0, 1] : $[n, c] to $[]"},
       {"norm", {{"x", "[n, c]"}}, {"[n]"}, "%y = gradus.norm %x axes [1] : $[n, c] to $[n]"},
       {"norm_all", {{"x", "[n, c]"}}, {"[]"}, "%y = gradus.norm %x axes [0, 1] : $[n, c] to $[]"},
       {"reduce_max", {{"x", "[n, c]"}}, {"[n]"}, "%y = gradus.reduce max %x axes [1] : $[n, c] to $[n]", {{{1, 1, 0, -1, 2, 2}}}},
       {"reduce_min", {{"x", "[n, c]"}}, {"[c]"}, "%y = gradus.reduce min %x axes [0] : $[n, c] to $[c]", {{{1, 1, 0, -1, 0, 2}}}},
       {"reduce_min_all", {{"x", "[n, c]"}}, {"[]"}, "%y = gradus.reduce min %x axes [0, 1] : $[n, c] to $[]", {{{1, 1, 0, 0, 0, 2}}}},
       {"reduce_of_number", {{"x", "[]"}}, {"[]"}, "%y = gradus.reduce sum %x axes [] : $[] to $[]"},
       {"reduce_prod", {{"x", "[n, c]"}}, {"[c]"}, "%y = gradus.reduce prod %x axes [0] : $[n, c] to $[c]", {{{0, 1, 2, 0, 3, 0}}}},
       {"reduce_prod_all", {{"x", "[n, c]"}}, {"[]"}, "%y = gradus.reduce prod %x axes [0, 1] : $[n, c] to $[]", {{{0, 1, 2, 1, 3, 2}}, {{0, 1, 2, 0, 3, 2}}}},
       {"reduce_sum", {{"x", "[n, c]"}}, {"[n]"}, "%y = gradus.reduce sum %x axes [1] : $[n, c] to $[n]"},
       {"reduce_sum_all", {{"x", "[n, c]"}}, {"[]"}, "%y = gradus.reduce sum %x axes [0, 1] : $[n, c] to $[]"}});
}

/// A step of x; a truth value, or an integer, as a number.
void addConstants(std::vector<Program> &programs) {
  for (const char *op : {"ceil", "floor", "round", "sign", "trunc"})
    programs.push_back({op, {{"x", "[n]"}}, {"[n]"}, std::string("%y = gradus.") + op + " %x : $[n]", {{{0, 1, -2}}}});
  const std::string signs = "%k = gradus.constant dense<0.0> : tensor<f64>\n%zero = gradus.broadcast %k axes [] : $[] to $[n]\n"
                            "%p = gradus.compare gt %x, %zero : $[n] -> $b[n]\n%q = gradus.compare le %x, %z : $[n] -> $b[n]\n";
  for (const char *op : {"and", "or", "xor"})
    programs.push_back({op, {{"x", "[n]"}, {"z", "[n]"}}, {"[n]"}, signs + "%t = gradus." + op + " %p, %q : $b[n]\n%y = gradus.cast %t : $b[n] to $[n]"});
  programs.push_back({"not", {{"x", "[n]"}, {"z", "[n]"}}, {"[n]"}, signs + "%t = gradus.not %p : $b[n]\n%y = gradus.cast %t : $b[n] to $[n]"});
  programs.insert(
      programs.end(),
      {{"arg_reduce", {{"x", "[n, c]"}}, {"[n]"}, "%t = gradus.arg_reduce max %x axis 1 : $[n, c] to $i[n]\n%y = gradus.cast %t : $i[n] to $[n]"},
       {"compare", {{"a", "[n]"}, {"b", "[n]"}}, {"[n]"}, "%t = gradus.compare lt %a, %b : $[n] -> $b[n]\n%y = gradus.cast %t : $b[n] to $[n]"},
       {"constant", {{"x", "[2]"}}, {"[2]"}, "%y = gradus.constant dense<[1.5, 2.5]> : tensor<2xf64>"},
       {"dim", {{"x", "[n]"}}, {"[]"}, "%t = gradus.dim \"n\"\n%y = gradus.cast %t : $i[] to $[]"},
       {"draw", {{"w", "[n]"}}, {"[4]"},
        "%t = gradus.constant dense<1> : tensor<i64>\n%i = gradus.draw categorical \"i\" (%w) at %t : ($[n]), $i[] -> $i[4]\n%y = gradus.cast %i : $i[4] to $[4]",
        {}, 2, false},
       {"draw_of_parameter", {{"x", "[]", Domain::Positive}}, {"[4]"},
        "%t = gradus.constant dense<1> : tensor<i64>\n%y = gradus.draw gamma \"g\" (%x) at %t : ($[]), $i[] -> $[4]", {}, 2, false},
       {"int_div", {{"x", "[n]"}}, {"[n]"},
        "%i = gradus.cast %x : $[n] to $i[n]\n%o = gradus.iota 0 : $i[n]\n%t = gradus.int_div %i, %o : $i[n]\n%y = gradus.cast %t : $i[n] to $[n]"},
       {"int_pow_zero", {{"x", "[n]"}}, {"[n]"}, "%k = gradus.constant dense<0> : tensor<i64>\n%y = gradus.int_pow %x, %k : $[n], $i[]", {{{0, 1, -1}}}, 2, true, true},
       {"iota", {{"x", "[n]"}}, {"[n]"}, "%t = gradus.iota 0 : $i[n]\n%y = gradus.cast %t : $i[n] to $[n]"},
       {"stop", {{"x", "[n]"}}, {"[n]"}, "%y = gradus.stop %x : $[n]", {}, 2, false}});
}

} // namespace gradus::matrix
