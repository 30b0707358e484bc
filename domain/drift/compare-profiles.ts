import type { CategoryProfile, DriftPolicy, DriftSignal, NumberProfile, TrainingProfile } from '../drift-report.ts';
import type { SpecialFunctions } from '../special-functions.ts';
import { benjaminiHochberg } from '../statistics/benjamini-hochberg.ts';
import type { CalibrationGap } from '../statistics/calibration-gap.ts';
import { type BinnedSamples, populationStabilityIndex } from '../statistics/population-stability-index.ts';
import type { WindowProfile } from './profile-window.ts';

/** A window beside its reference. `calibration` is null where no label is known. */
export type Comparison = {
  readonly reference: TrainingProfile;
  readonly window: WindowProfile;
  readonly calibration: CalibrationGap | null;
};

type RawSignal = Pick<DriftSignal, 'name' | 'statistic' | 'value' | 'pValue' | 'material'>;

/** Bins that expect fewer rows of the window are pooled: PSI's chi-square p value is too small on rare bins. */
const rowsPerBin = 20;

/**
 * Looks for drift in each feature, in the predictions, and between predictions and labels.
 *
 * `significant`: not chance, with the false discovery rate held over all signals of the window. `material`: large enough to
 * matter: PSI beyond what it is on average without drift, or the gap between outcomes and predictions. Both together are drift:
 * on many rows every trifle is significant, on few rows chance is large. A gap's `value` keeps its sign.
 */
export function compareProfiles(
  special: SpecialFunctions,
  policy: DriftPolicy,
  comparison: Comparison,
): readonly DriftSignal[] {
  const { reference, window, calibration } = comparison;
  const signals: RawSignal[] = [];
  const add = (name: string, samples: BinnedSamples): void => {
    const index = populationStabilityIndex(special, poolRareBins(samples));
    if (index === null) return;
    const { value, expected, pValue } = index;
    signals.push({ name, statistic: 'psi', value, pValue, material: value - expected > policy.materialPsi });
  };
  for (const [name, profile] of Object.entries(reference.features)) {
    const current = window.features[name];
    if (current?.kind === profile.kind) add(name, { reference: binsOf(profile), current: binsOf(current) });
  }
  add('prediction', { reference: binsOf(reference.prediction), current: binsOf(window.prediction) });
  if (calibration !== null) {
    const { gap, pValue } = calibration;
    const material = Math.abs(gap) > policy.materialGap;
    signals.push({ name: 'label', statistic: 'calibration-gap', value: gap, pValue, material });
  }
  const adjusted = benjaminiHochberg(signals.map(({ pValue }) => pValue));
  return signals.map((signal, place): DriftSignal => {
    const adjustedPValue = adjusted[place] ?? 1;
    return { ...signal, adjustedPValue, significant: adjustedPValue <= policy.falseDiscoveryRate };
  });
}

/** Pools bins in which the reference expects too few of the window's rows into one, in the order they stand. */
export function poolRareBins(samples: BinnedSamples): BinnedSamples {
  const rows = samples.reference.reduce((sum, count) => sum + count, 0);
  const ofWindow = samples.current.reduce((sum, count) => sum + count, 0);
  const isRare = (bin: number): boolean => ((samples.reference[bin] ?? 0) / rows) * ofWindow < rowsPerBin;
  return { reference: pool(samples.reference, isRare), current: pool(samples.current, isRare) };
}

function pool(counts: readonly number[], isRare: (bin: number) => boolean): readonly number[] {
  const common = counts.filter((_, bin) => !isRare(bin));
  return [...common, counts.reduce((sum, count, bin) => (isRare(bin) ? sum + count : sum), 0)];
}

function binsOf(profile: NumberProfile | CategoryProfile): readonly number[] {
  return profile.kind === 'number'
    ? [...profile.counts, profile.missing]
    : [...profile.counts, profile.unseen, profile.missing];
}
