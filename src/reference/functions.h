// Within reference: functions of one number and of two, in double.
#pragma once

#include "plan/plan.h"

namespace snapgauge {

double apply(const Elementwise& e, double x);
double apply(Function function, double a, double b);

}  // namespace snapgauge
