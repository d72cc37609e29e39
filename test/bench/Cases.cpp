//===- Cases.cpp - What is measured ----------------------------------------------===//

#include "Cases.h"

#include "adadelta.h"
#include "adagrad.h"
#include "adam.h"
#include "adamw.h"
#include "adamw_bf16.h"
#include "adamw_bf16_state.h"
#include "adamw_blocks.h"
#include "adamw_stochastic.h"
#include "clipped_adamw.h"
#include "diffgrad.h"
#include "ema_adamw.h"
#include "lion.h"
#include "momentum.h"
#include "nadam.h"
#include "radam.h"
#include "rmsprop.h"
#include "sgd.h"
#include "sophia_plain.h"

namespace gradus::bench {

static const std::vector<double> adam = {1e-3, 0.9, 0.999, 1e-8}, adamw = {1e-3, 0.9, 0.999, 1e-8, 1e-2};

const std::vector<Case> &getCases() {
  static const std::vector<Case> cases = {
      {"adadelta", adadelta_step_entry, floor_adadelta, 28, {1, 0.95, 1e-6}},
      {"adagrad", adagrad_step_entry, floor_adagrad, 20, {0.01, 0, 1e-10, 0}},
      {"adam", adam_step_entry, floor_adam, 28, adam},
      {"adamw", adamw_step_entry, floor_adamw, 28, adamw},
      {"adamw_bf16", adamw_bf16_step_entry, floor_adamw_bf16, 14, adamw, {}, "bf16", "adamw", 0.72},
      {"adamw_bf16_state", adamw_bf16_state_step_entry, floor_adamw_bf16_state, 20, adamw, {}, "f32, bf16 m and v", "adamw", 0.85},
      {"adamw_blocks", adamw_blocks_step_entry, floor_adamw_blocks, 16.0625, adamw, {}, "f32, 8-bit m and v", "adamw", 0.90},
      {"adamw_stochastic", adamw_stochastic_step_entry, floor_adamw_stochastic, 20, adamw, {}, "f32, stochastic bf16 m and v", "adamw", 1.15},
      {"clipped_adamw", clipped_adamw_step_entry, floor_clipped_adamw, 32, {1e-3, 0.9, 0.999, 1e-8, 1e-2, 1}, {}, "f32", "adamw", 1.05 * 32 / 28},
      {"diffgrad", diffgrad_step_entry, floor_diffgrad, 36, {1e-3, 0.9, 0.999, 1e-8, 0}},
      {"ema_adamw", ema_adamw_step_entry, floor_ema_adamw, 36, {1e-3, 0.9, 0.999, 1e-8, 1e-2, 0.999}, {}, "f32", "adamw", 1.05 * 36 / 28},
      {"lion", lion_step_entry, floor_lion, 20, {1e-4, 0.9, 0.99, 0.01}, {{"decay", 0.01}}},
      {"momentum", momentum_step_entry, floor_momentum, 20, {0.001, 0.9}, {{"lr", 0.001}}},
      {"nadam", nadam_step_entry, floor_nadam, 28, {2e-3, 0.9, 0.999, 1e-8}},
      {"radam", radam_step_entry, floor_radam, 28, {1e-3, 0.9, 0.999, 1e-8, 4}},
      {"rmsprop", rmsprop_step_entry, floor_rmsprop, 20, {0.01, 0.99, 1e-8}},
      {"sgd", plain_sgd_step_entry, floor_sgd, 12, {0.001}, {{"lr", 0.001}}},
      {"sgd_momentum", sgd_step_entry, floor_sgd_momentum, 20, {0.001, 0.9, 0, 0}, {{"lr", 0.001}, {"mu", 0.9}}},
      {"sophia_plain", sophia_plain_step_entry, floor_sophia_plain, 24, {6e-4, 0.96, 0.01, 1e-12, 0.2}},
  };
  return cases;
}

const Case *findCase(const std::string &name) {
  for (const Case &c : getCases())
    if (c.name == name)
      return &c;
  return nullptr;
}

} // namespace gradus::bench
