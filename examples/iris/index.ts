// What `flambeau run --import` loads: importing a class registers it.
import './url.js'

export { IrisDataset } from './dataset.js'
export { GradientDescent, Momentum } from './optimizers.js'
export { SoftmaxRegression } from './softmax-regression.js'
export { TrainIris, type TrainIrisResult } from './train-iris.js'
