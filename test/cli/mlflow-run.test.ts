import { metricName } from '../../cli/mlflow/mlflow-run.ts';

// MLflow 3.17.2, mlflow/utils/validation.py: names match ^[/\w.\- :]*$ and are equal to their posixpath.normpath.
test.each([
  ['val/loss', 'val/loss'],
  ['val//loss', 'val/loss'],
  ['/val/./../loss/', 'val/loss'],
  ['evaluate.auc.origin.São Paulo (GRU)', 'evaluate.auc.origin.S-o Paulo -GRU-'],
  ['..', '-'],
  ['', '-'],
])('MLflow is given the metric %j as %j', (name, given) => {
  expect(metricName(name)).toBe(given);
});
